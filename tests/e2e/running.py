"""A whole Precis as an operator starts it: its output, its processes, and what is left of them."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Self

import pytest

from app.core.schema_version import ROOT
from app.local.account import Account

# Two processors of CI may be shared by a fleet, a coverage tracer and this.
START_SECONDS = 240.0
READY = "Precis is ready at "
# Nothing of the tests' own surroundings may decide how the service runs.
INHERITED = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
PACKAGES = Path(pytest.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Launch:
    """`root` is the checkout to run; `interpreter` and `account` for another user than ours."""

    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT
    interpreter: Path = Path(sys.executable)
    account: Account | None = None

    def start(self) -> "subprocess.Popen[str]":
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return subprocess.Popen(  # noqa: S603  # our own supervisor
            [self.interpreter, "-m", "app.local.supervisor", *self.arguments],
            cwd=self.root,
            env={**inherited, "PYTHONPATH": f"{self.root}:{PACKAGES}", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )


class Running:
    """`output` grows as it comes. Use as a context: whatever happens, nothing is left."""

    def __init__(self, launch: Launch) -> None:
        self.output: deque[str] = deque()
        self.seen: set[int] = set()
        self._process = launch.start()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.seen |= self.processes()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pid in self.seen:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(5)
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.output.append(line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def text(self) -> str:
        return "".join(self.output)

    def ready(self) -> str:
        """Waits for the banner; the URL in it."""
        until(lambda: READY in self.text or self._process.poll() is not None, seconds=START_SECONDS)
        assert READY in self.text, f"{self.text}\n{self.described()}"
        self.seen |= self.processes()
        return self.text.split(READY, 1)[1].split()[0]

    def ended(self, *, seconds: float = 120.0) -> int:
        """Waits for its end; the exit code."""
        code = self._process.wait(seconds)
        self._reader.join(5)
        return code

    def send(self, number: signal.Signals) -> None:
        self.seen |= self.processes()
        os.kill(self._process.pid, number)

    def processes(self) -> set[int]:
        """The supervisor and all that came from it."""
        return {self.pid} | descendants(self.pid)

    def find(self, *words: str) -> int:
        """The first of its processes whose command line has these words."""
        found = [pid for pid in descendants(self.pid) if set(words) <= set(command_line(pid))]
        assert found, f"no process with {words}"
        return min(found)

    def described(self) -> str:
        """What its processes are, for whoever asks why it waits."""
        lines = (f"{pid} {_stat(pid)[:1]} {' '.join(command_line(pid))}" for pid in sorted(self.processes()))
        return "\n".join(("load " + Path("/proc/loadavg").read_text(encoding="ascii"), *lines))

    def left(self) -> dict[int, list[str]]:
        return {pid: command_line(pid) for pid in self.seen if is_alive(pid)}


def until(condition: Callable[[], bool], *, seconds: float = 60, pause: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def is_alive(pid: int) -> bool:
    """A zombie has ended."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> set[int]:
    parents = {child: int(fields[1]) for child in _pids() if (fields := _stat(child))}
    found, fresh = set[int](), {pid}
    while fresh:
        # One may end, and its number be another's, while the others are read: no circle is walked twice.
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """From its state on; the name before may hold spaces and parentheses (proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
