"""Whose questions are one, and what becomes of each."""

import asyncio
from collections.abc import Sequence

import pytest

from app.core.batch_loader import BatchLoader

pytestmark = pytest.mark.unit


class Server:
    """Answers each entry with its key and itself, once it may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Sequence[str]]] = []
        self.error: BaseException | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, key: str, entries: Sequence[str]) -> list[str]:
        self.asked.append((key, entries))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return [key + entry for entry in entries]


Loader = BatchLoader[str, str, str]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def loader(server: Server) -> Loader:
    return BatchLoader(server, name="SELECT all", max_batch=3)


def begin(loader: Loader, *wanted: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(loader.load(each[0], each[1])) for each in wanted]


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_asked_of_one_key_in_one_turn_is_one_question(server: Server, loader: Loader) -> None:
    assert await asyncio.gather(*begin(loader, "a1", "b1", "a2")) == ["a1", "b1", "a2"]
    assert server.asked == [("a", ["1", "2"]), ("b", ["1"])]


async def test_whoever_comes_after_it_has_left_asks_anew(server: Server, loader: Loader) -> None:
    server.may_answer.clear()
    first = begin(loader, "a1")
    await turn()
    second = begin(loader, "a1")
    await turn()
    server.may_answer.set()
    assert await asyncio.gather(*first, *second) == ["a1", "a1"]
    assert server.asked == [("a", ["1"])] * 2


async def test_a_flood_is_several_questions(server: Server, loader: Loader) -> None:
    wanted = [f"a{number}" for number in range(7)]
    assert await asyncio.gather(*begin(loader, *wanted)) == wanted
    assert [len(entries) for _, entries in server.asked] == [3, 3, 1]


async def test_who_has_left_is_not_asked_for(server: Server, loader: Loader) -> None:
    loop = asyncio.get_running_loop()
    gone, here = begin(loader, "a1", "a2")
    # After both have begun, and before their question leaves.
    loop.call_soon(gone.cancel)
    assert await here == "a2"
    (alone,) = begin(loader, "b1")
    loop.call_soon(alone.cancel)
    await turn()
    assert server.asked == [("a", ["2"])]


async def test_who_leaves_while_it_is_under_way_takes_nothing_from_others(
    server: Server, loader: Loader
) -> None:
    server.may_answer.clear()
    gone, here = begin(loader, "a1", "a2")
    await turn()
    gone.cancel()
    server.may_answer.set()
    assert await here == "a2"


async def test_an_error_is_told_to_each_as_its_own(server: Server, loader: Loader) -> None:
    server.error = ConnectionRefusedError(111, "refused")
    told = await asyncio.gather(*begin(loader, "a1", "a2"), return_exceptions=True)
    assert [(type(each), str(each)) for each in told] == [(ConnectionRefusedError, str(server.error))] * 2
    assert told[0] is not told[1]
    server.error = None
    assert await loader.load("a", "1") == "a1"


async def test_a_question_that_is_cancelled_leaves_nobody_waiting(server: Server, loader: Loader) -> None:
    server.error = asyncio.CancelledError()
    told = await asyncio.gather(*begin(loader, "a1", "a2"), return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError] * 2
