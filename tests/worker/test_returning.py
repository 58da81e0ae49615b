import asyncio

import pytest

from app.worker.returning import MOST_KEPT, Returning

pytestmark = pytest.mark.unit


async def order_of(*waiting: tuple[str, int, float]) -> list[str]:
    """Of names with a rank and how long each was away, in the order in which they came."""
    returning, names, loop = Returning(), {}, asyncio.get_running_loop()
    for name, rank, away in waiting:
        names[turn := loop.create_future()] = name
        returning.add(turn, rank=rank, away=away)
    return [names[await returning.next()] for _ in waiting]


@pytest.mark.parametrize("away", [(0.1, 1.9), (2.1, 9.0)])
async def test_of_the_fast_and_of_the_slow_whom_the_queue_prefers_comes_first(
    away: tuple[float, float],
) -> None:
    assert await order_of(("many", 5, away[0]), ("few", 0, away[1])) == ["few", "many"]


async def test_a_fast_one_of_many_has_every_other_turn_beside_slow_ones_of_few() -> None:
    slow = [(f"slow{number}", 0, 10.0) for number in range(3)]
    quick = [(f"quick{number}", 5, 0.1) for number in range(2)]
    assert await order_of(*slow, *quick) == ["quick0", "slow0", "quick1", "slow1", "slow2"]


async def test_the_quickest_and_the_first_come_take_turns() -> None:
    slow = [(f"slow{number}", 0, 10.0) for number in range(3)]
    quick = [(f"quick{number}", 0, 0.1) for number in range(3)]
    assert await order_of(*slow, *quick) == ["quick0", "slow0", "quick1", "slow1", "quick2", "slow2"]


async def test_each_is_given_its_turn_once() -> None:
    waiting = [(str(number), number % 3, float(number * 7 % 5)) for number in range(50)]
    assert sorted(await order_of(*waiting)) == sorted(name for name, *_ in waiting)


async def test_nobody_is_waited_for_until_somebody_comes() -> None:
    returning = Returning()
    soon = asyncio.create_task(returning.next())
    await asyncio.sleep(0)
    assert not soon.done()
    turn = asyncio.get_running_loop().create_future()
    returning.add(turn, rank=0, away=1.0)
    assert await soon is turn


async def test_whom_the_one_order_has_served_the_other_does_not_keep_for_ever() -> None:
    returning, loop = Returning(), asyncio.get_running_loop()
    for _ in range(5):
        returning.add(loop.create_future(), rank=0, away=10.0)
    for _ in range(3 * MOST_KEPT):
        for away in (10.0, 0.1):
            returning.add(loop.create_future(), rank=0, away=away)
        for _ in range(2):
            assert not (await returning.next()).done()
    assert returning.kept <= 2 * MOST_KEPT
    assert len({await returning.next() for _ in range(5)}) == 5
