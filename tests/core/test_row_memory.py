"""What is remembered of rows is bounded, and leaves by itself."""

import pytest

from app.core.row_memory import ENTRY_BYTES, SECONDS, RowMemory

pytestmark = pytest.mark.unit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_unknown_state_is_none_of_them() -> None:
    memory = RowMemory()
    memory.keep("a 1", b"a")
    assert memory.recall(["a 1", "a 2"]) is None
    assert memory.recall(["a 1"]) == [b"a"]
    assert memory.recall([]) == []


def test_it_holds_two_generations_of_so_many_bytes() -> None:
    memory = RowMemory(max_bytes=2 * (ENTRY_BYTES + 1))
    for number in range(6):
        memory.keep(f"{number}", b"x")
    assert [memory.recall([f"{number}"]) for number in (0, 1)] == [None, None]
    assert memory.recall(["4", "5"]) == [b"x", b"x"]
    assert memory.recall(["2"]) == [b"x"]


def test_what_is_asked_for_stays_and_the_rest_leaves() -> None:
    clock = Clock()
    memory = RowMemory(clock=clock)
    memory.keep("asked", b"x")
    memory.keep("left", b"x")
    for _ in range(3):
        clock.now += SECONDS + 1
        assert memory.recall(["asked"]) == [b"x"]
    assert memory.recall(["left"]) is None


def test_one_that_is_too_large_by_itself_is_remembered_alone() -> None:
    memory = RowMemory(max_bytes=10)
    for state in ("a", "b", "c"):
        memory.keep(state, b"x" * 100)
    assert [memory.recall([state]) for state in ("c", "a")] == [[b"x" * 100], None]
