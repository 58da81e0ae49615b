"""Children: asked, waited for, killed in the end; and never without a parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.local.process import MAX_LOG_BYTES, Child, Command, run_to_end

pytestmark = pytest.mark.integration

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
time.sleep(60)
"""


def until(condition: Callable[[], bool], *, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """A zombie has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def python(source: str, log: Path | None = None) -> Command:
    return Command([sys.executable, "-c", source], log=log)


def test_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child("stubborn", python(STUBBORN, log))
    assert until(lambda: "up" in log.read_text(encoding="ascii"))
    child.stop(patience_seconds=0.2)
    assert child.exit_code == -signal.SIGKILL


def test_child_that_obeys_is_not_killed(tmp_path: Path) -> None:
    child = Child("obedient", python("import time\ntime.sleep(60)", tmp_path / "log"))
    child.stop()
    assert child.exit_code == -signal.SIGTERM


def test_stopping_twice_changes_nothing(tmp_path: Path) -> None:
    child = Child("short", python("raise SystemExit(3)", tmp_path / "log"))
    assert until(lambda: child.exit_code is not None)
    child.stop()
    assert child.exit_code == 3


def test_what_a_killed_child_started_goes_with_it(tmp_path: Path) -> None:
    source = (
        "import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)"
    )
    child = Child("parent", python(source, log := tmp_path / "log"))
    assert until(lambda: log.read_text(encoding="ascii").endswith("\n"))
    os.kill(child.pid, signal.SIGKILL)
    assert until(lambda: child.exit_code is not None)
    assert until(lambda: not alive(int(log.read_text(encoding="ascii"))))


def test_stopped_child_can_be_started_again(tmp_path: Path) -> None:
    child = Child("short", python("print('here')", log := tmp_path / "log"))
    assert until(lambda: child.exit_code is not None)
    child.start()
    assert until(lambda: child.exit_code is not None)
    assert log.read_text(encoding="ascii").count("here") == 2


def test_overgrown_log_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(MAX_LOG_BYTES + 1)
    child = Child("short", python("print('here')", log))
    assert until(lambda: child.exit_code is not None)
    assert log.read_text(encoding="ascii") == "here\n"


def test_killed_parent_leaves_no_child() -> None:
    script = (
        "import sys, time\n"
        "from app.local.process import Child, Command\n"
        "child = Child('sleeper', Command(['sleep', '60']))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(  # noqa: S603  # the lines above
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    assert until(lambda: not alive(child))


def test_command_run_to_its_end_tells_what_it_printed() -> None:
    finished = run_to_end(python("import sys\nprint('out')\nsys.exit('err')"))
    assert (finished.returncode, finished.stdout, finished.stderr) == (1, "out", "err")


def test_child_does_not_read_our_terminal(tmp_path: Path) -> None:
    child = Child("reader", python("import sys\nprint(repr(sys.stdin.read()))", log := tmp_path / "log"))
    assert until(lambda: child.exit_code is not None)
    assert log.read_text(encoding="ascii") == "''\n"
