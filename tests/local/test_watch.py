"""What stops is started again with growing pauses, and given up at last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.account import LocalServerError
from app.local.process import Child, Command
from app.local.watch import FIRST_PAUSE_SECONDS, MAX_FAILURES, STEADY_SECONDS, Watch
from tests.local.test_process import until

pytestmark = pytest.mark.integration


class Clock:
    """Time that passes when told to; children tell their start by the real one."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.since_start = 0.0

    def __call__(self) -> float:
        return self.child.started_at + self.since_start


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Child]:
    """Stops at once, whenever it is started."""
    child = Child("worker", Command(["/bin/false"], log=tmp_path / "log"))
    yield child
    child.stop()


def wait(child: Child) -> None:
    assert until(lambda: child.exit_code is not None)


def test_child_that_keeps_stopping_is_given_up_in_one_line(broken: Child) -> None:
    clock = Clock(broken)
    watch = Watch([broken], lambda _: None, clock)

    def fail() -> None:
        wait(broken)
        clock.since_start = 0.0
        watch.look()
        clock.since_start = STEADY_SECONDS - 1
        watch.look()

    for _ in range(MAX_FAILURES):
        fail()
    with pytest.raises(LocalServerError, match=r"worker stopped 7 times in a row \(exit code 1\)") as end:
        fail()
    assert "\n" not in str(end.value)


def test_stopped_child_is_started_again_after_a_pause(broken: Child) -> None:
    said: list[str] = []
    clock = Clock(broken)
    watch = Watch([broken], said.append, clock)
    wait(broken)
    first = broken.pid
    watch.look()
    assert (broken.pid, said) == (first, ["worker stopped (exit code 1); starting it again"])
    clock.since_start = FIRST_PAUSE_SECONDS
    watch.look()
    assert broken.pid != first


def test_child_that_had_run_for_long_has_all_its_tries_again(broken: Child) -> None:
    clock = Clock(broken)
    watch = Watch([broken], lambda _: None, clock)
    for _ in range(2 * MAX_FAILURES):
        wait(broken)
        clock.since_start = STEADY_SECONDS + 1
        watch.look()
        clock.since_start += 60
        watch.look()


def test_running_child_is_left_alone(tmp_path: Path) -> None:
    child = Child("worker", Command(["/bin/sleep", "60"], log=tmp_path / "log"))
    said: list[str] = []
    Watch([child], said.append).look()
    child.stop()
    assert said == []
