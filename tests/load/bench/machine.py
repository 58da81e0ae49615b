"""What a measurement spent, who else was busy meanwhile, and what it was made on."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PROCESSORS = os.cpu_count() or 1
# The fourth and fifth figure of /proc/stat's first line: idle, and waiting for the disk.
_IDLE = {3, 4}
# The last two are in the first two already: guests.
_FIGURES = 8


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds of the measured process, and the share of the machine that went to none of ours."""

    server: float
    others: float


class Stopwatch:
    """Runs from its making; `pid` is the measured process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server, self._ours, self._all = _process_seconds(pid), _our_seconds(), _machine_seconds()
        self._began = time.monotonic()

    def stop(self) -> Spent:
        elapsed = time.monotonic() - self._began
        foreign = (_machine_seconds() - self._all) - (_our_seconds() - self._ours)
        return Spent(_process_seconds(self._pid) - self._server, max(0.0, foreign) / elapsed / PROCESSORS)


def described(servers: str) -> str:
    """One sentence for the document; `servers` names those measured with."""
    return f"{PROCESSORS} cores ({_processor_model()}), Python {platform.python_version()}, {servers}"


def _processor_model() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unnamed"
    )


def _machine_seconds() -> float:
    figures = Path("/proc/stat").read_text("ascii").partition("\n")[0].split()[1:][:_FIGURES]
    return sum(int(ticks) for place, ticks in enumerate(figures) if place not in _IDLE) / TICKS_PER_SECOND


def _process_seconds(pid: int) -> float:
    return sum(_stat(pid)[1:3])


def _our_seconds() -> float:
    """Of this process and all below it, and of their dead children."""
    stats = {pid: found for pid in _pids() if (found := _stat_of_living(pid))}
    own = {os.getpid()}
    while more := {pid for pid, stat in stats.items() if stat[0] in own} - own:
        own |= more
    return sum(sum(stats[pid][1:]) for pid in own)


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]


def _stat_of_living(pid: int) -> tuple[int, float, float, float, float] | None:
    try:
        return _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None


def _stat(pid: int) -> tuple[int, float, float, float, float]:
    """Its parent, and its seconds: user, system, dead children's user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    user, system, childrens_user, childrens_system = (
        int(ticks) / TICKS_PER_SECOND for ticks in fields[11:15]
    )
    return int(fields[1]), user, system, childrens_user, childrens_system
