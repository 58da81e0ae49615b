import asyncio

import pytest

from app.core.bounded import Bounded
from app.core.single_flight import SingleFlight

pytestmark = pytest.mark.unit


class Source:
    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        await self.gate.wait()
        return self.asked

    async def fail(self) -> int:
        raise KeyError("no such thing")


async def test_many_at_once_ask_once() -> None:
    flights, source = SingleFlight[int](), Source()
    waiting = [asyncio.create_task(flights.fetch("a", source)) for _ in range(50)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*waiting) == [1] * 50


async def test_another_thing_and_a_later_time_ask_anew() -> None:
    flights, source = SingleFlight[int](), Source()
    source.gate.set()
    assert [*await asyncio.gather(flights.fetch("a", source), flights.fetch("b", source))] == [1, 2]
    assert await flights.fetch("a", source) == 3


async def test_who_leaves_takes_it_from_nobody() -> None:
    flights, source = SingleFlight[int](), Source()
    leaver, stayer = (asyncio.create_task(flights.fetch("a", source)) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await stayer == 1


async def test_a_load_that_is_cancelled_takes_its_callers_along() -> None:
    flights = SingleFlight[int]()

    async def cancelled() -> int:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await flights.fetch("a", cancelled)
    source = Source()
    source.gate.set()
    assert await flights.fetch("a", source) == 1


async def test_a_failure_is_every_callers_and_nobodys_afterwards() -> None:
    flights, source = SingleFlight[int](), Source()
    failing = [flights.fetch("a", source.fail) for _ in range(3)]
    outcomes = await asyncio.gather(*failing, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [KeyError] * 3
    source.gate.set()
    assert await flights.fetch("a", source) == 1


def test_the_oldest_make_room_and_what_is_written_again_is_new() -> None:
    memory = Bounded[str, int](2)
    memory["a"], memory["b"] = 1, 2
    memory["a"] = 3
    memory["c"] = 4
    assert memory == {"a": 3, "c": 4}
