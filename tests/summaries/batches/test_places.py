"""Who gets a place, and who waits for whom."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.summaries.batches.places import BatchPlaces

pytestmark = pytest.mark.unit


async def taken(places: BatchPlaces, organization_id: UUID) -> AsyncExitStack:
    """Raises TimeoutError where it would have to wait."""
    async with AsyncExitStack() as stack, asyncio.timeout(0.01):
        await stack.enter_async_context(places.held(organization_id))
        return stack.pop_all()


async def test_one_organisation_gets_one_place_however_often_it_asks() -> None:
    places, greedy = BatchPlaces(3), new_id()
    async with await taken(places, greedy):
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await taken(places, greedy)
        async with await taken(places, new_id()), await taken(places, new_id()):
            with pytest.raises(TimeoutError):
                await taken(places, new_id())


async def test_who_waits_behind_their_own_stands_in_nobodys_way() -> None:
    places, greedy = BatchPlaces(2), new_id()
    async with await taken(places, greedy):
        waiting = [asyncio.create_task(taken(places, greedy)) for _ in range(9)]
        await asyncio.sleep(0)
        async with await taken(places, new_id()):
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_place_comes_back_to_the_next_of_the_same_organisation() -> None:
    places, organization_id = BatchPlaces(1), new_id()
    for _ in range(3):
        async with await taken(places, organization_id):
            assert places._all.locked()  # noqa: SLF001  # the only place


async def test_who_gave_up_waiting_keeps_nobody_out() -> None:
    places, first, second = BatchPlaces(1), new_id(), new_id()
    async with await taken(places, first):
        with pytest.raises(TimeoutError):
            await taken(places, second)
    async with await taken(places, second):
        assert places._all.locked()  # noqa: SLF001  # the only place
