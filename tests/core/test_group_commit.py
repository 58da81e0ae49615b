"""Whose writes share a transaction, and what becomes of each."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from structlog.testing import capture_logs

from app.core.group_commit import GroupCommit

pytestmark = pytest.mark.unit
PATIENCE = 0.05


DEADLOCK, CANCELED = "40P01", "57014"


class RefusedError(Exception):
    """The driver's own."""

    sqlstate = DEADLOCK


class CanceledError(RefusedError):
    sqlstate = CANCELED


def refused(*, is_lost: bool = False) -> DBAPIError:
    return DBAPIError("SELECT", {}, RefusedError("no"), connection_invalidated=is_lost)


def too_slow() -> DBAPIError:
    return DBAPIError("SELECT", {}, CanceledError("statement timeout"))


class Server:
    """Answers each entry with itself in capitals, once it may: the first group's turn is kept until then."""

    def __init__(self) -> None:
        self.groups: list[Sequence[str]] = []
        self.refuses: dict[str, BaseException] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, entries: Sequence[str]) -> list[str]:
        self.groups.append(entries)
        await self.may_answer.wait()
        for name, error in self.refuses.items():
            if name in entries:
                raise error
        return [entry.upper() for entry in entries]


@pytest.fixture
def server() -> Server:
    return Server()


Together = GroupCommit[str, str]


@pytest.fixture
async def together(server: Server) -> AsyncIterator[Together]:
    """Patient: nothing here is a matter of time."""
    made = GroupCommit(server, name="SELECT all", max_group=3, patience_seconds=60)
    yield made
    await made.aclose()


@pytest.fixture
async def hasty(server: Server) -> AsyncIterator[Together]:
    made = GroupCommit(server, name="SELECT all", patience_seconds=PATIENCE)
    yield made
    await made.aclose()


def begin(together: Together, *entries: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(together.write(entry)) for entry in entries]


async def turn() -> None:
    """Long enough for a task to begin, and for what it asked for to leave."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_written_in_one_turn_is_one_group_and_each_gets_its_own(
    server: Server, together: Together
) -> None:
    assert await asyncio.gather(*begin(together, "a", "b", "c")) == ["A", "B", "C"]
    assert server.groups == [["a", "b", "c"]]


async def test_a_single_one_waits_for_nobody(server: Server, together: Together) -> None:
    async with asyncio.timeout(30):
        assert [await together.write(entry) for entry in "ab"] == ["A", "B"]
    assert server.groups == [["a"], ["b"]]


async def test_who_comes_meanwhile_leaves_together_when_the_group_before_has_landed(
    server: Server, together: Together
) -> None:
    server.may_answer.clear()
    first = begin(together, "a")
    await turn()
    others = begin(together, "b")
    await turn()
    others += begin(together, "c")
    await turn()
    assert server.groups == [["a"]]
    server.may_answer.set()
    assert await asyncio.gather(*first, *others) == ["A", "B", "C"]
    assert server.groups == [["a"], ["b", "c"]]


async def test_a_slow_group_is_not_waited_for_beyond_patience(server: Server, hasty: Together) -> None:
    server.may_answer.clear()
    first = begin(hasty, "a")
    await turn()
    late = begin(hasty, "b")
    await asyncio.sleep(2 * PATIENCE)
    assert server.groups == [["a"], ["b"]]
    # The second has lost patience by itself, and nobody came: the next one leaves at once.
    await asyncio.sleep(2 * PATIENCE)
    late += begin(hasty, "c")
    await turn()
    assert server.groups == [["a"], ["b"], ["c"]]
    server.may_answer.set()
    assert await asyncio.gather(*first, *late) == ["A", "B", "C"]


async def test_a_slow_group_that_nobody_waited_for_lands(server: Server, hasty: Together) -> None:
    server.may_answer.clear()
    slow = begin(hasty, "a")
    await asyncio.sleep(2 * PATIENCE)
    server.may_answer.set()
    assert [*await asyncio.gather(*slow), await hasty.write("b")] == ["A", "B"]


async def test_a_flood_is_several_groups(server: Server, together: Together) -> None:
    assert await asyncio.gather(*begin(together, *"abcdefg")) == list("ABCDEFG")
    assert [len(group) for group in server.groups] == [3, 3, 1]


async def test_who_leaves_before_the_group_is_not_written(server: Server, together: Together) -> None:
    server.may_answer.clear()
    first = begin(together, "a")
    await turn()
    gone, here = begin(together, "b", "c")
    await turn()
    gone.cancel()
    server.may_answer.set()
    assert await asyncio.gather(*first, here) == ["A", "C"]
    assert server.groups == [["a"], ["c"]]


async def test_a_group_that_all_have_left_does_not_leave(server: Server, together: Together) -> None:
    server.may_answer.clear()
    first = begin(together, "a")
    await turn()
    (gone,) = begin(together, "b")
    await turn()
    gone.cancel()
    server.may_answer.set()
    await asyncio.gather(*first)
    assert await together.write("c") == "C"
    assert server.groups == [["a"], ["c"]]


@pytest.mark.parametrize("outcome", ["answered", "refused"])
async def test_who_leaves_while_it_is_under_way_takes_nothing_from_others(
    server: Server, together: Together, outcome: str
) -> None:
    if outcome == "refused":
        server.refuses["a"] = refused()
    server.may_answer.clear()
    gone, here = begin(together, "a", "b")
    await turn()
    gone.cancel()
    server.may_answer.set()
    assert await here == "B"
    assert server.groups == [["a", "b"], *([["b"]] if outcome == "refused" else [])]


async def test_what_one_is_refused_for_the_others_are_not(server: Server, together: Together) -> None:
    server.refuses["b"] = refused()
    with capture_logs() as lines:
        told = await asyncio.gather(*begin(together, "a", "b", "c"), return_exceptions=True)
    assert (told[0], type(told[1]), told[2]) == ("A", DBAPIError, "C")
    assert server.groups == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    (line,) = lines
    assert (line["event"], line["entries"], line["sqlstate"]) == ("group_undone", 3, DEADLOCK)


@pytest.mark.parametrize(
    "error",
    [
        *(refused(is_lost=True), too_slow()),
        *(PoolTimeoutError("none free"), ConnectionRefusedError(111, "refused")),
    ],
)
async def test_what_may_be_done_or_befell_all_of_them_is_not_tried_again(
    server: Server, together: Together, error: Exception
) -> None:
    server.refuses["a"] = error
    told = await asyncio.gather(*begin(together, "a", "b"), return_exceptions=True)
    assert [(type(each), str(each)) for each in told] == [(type(error), str(error))] * 2
    # One that both raise would gather both tracebacks; where it came from is told all the same.
    assert told[0] is not told[1]
    assert [each.__cause__ for each in told if isinstance(each, Exception)] == [error] * 2
    assert server.groups == [["a", "b"]]


class StubbornError(Exception):
    """Cannot be copied."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


async def test_an_error_that_cannot_be_copied_is_told_all_the_same(
    server: Server, together: Together
) -> None:
    server.refuses["a"] = StubbornError("a", "b")
    told = await asyncio.gather(*begin(together, "a", "b"), return_exceptions=True)
    assert told == [server.refuses["a"]] * 2


async def test_after_a_failure_the_next_is_written(server: Server, together: Together) -> None:
    server.refuses["a"] = refused()
    with pytest.raises(DBAPIError):
        await together.write("a")
    assert await together.write("b") == "B"


async def test_a_group_that_is_cancelled_leaves_nobody_waiting(server: Server, together: Together) -> None:
    server.refuses["a"] = asyncio.CancelledError()
    told = await asyncio.gather(*begin(together, "a", "b"), return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError] * 2


async def test_closing_waits_for_what_has_left(server: Server, together: Together) -> None:
    server.may_answer.clear()
    (left,) = begin(together, "a")
    await turn()
    closing = asyncio.create_task(together.aclose())
    await turn()
    assert not closing.done()
    server.may_answer.set()
    await closing
    assert await left == "A"
