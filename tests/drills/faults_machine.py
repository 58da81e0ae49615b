"""A full disk, a clock that jumps, names that nobody answers for."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.drills.faults_postgres import start_again
from tests.drills.stand import Stand, has_own_names

COMPILER = shutil.which("cc")
SHIM = Path(__file__).with_name("clock.c")
SECONDS = struct.Struct("l")
OFFSET = "offset"
HOUR = 3600
MIB = 1024 * 1024
BLOCK_BYTES = 4096
UPLOAD_BYTES = 3 * MIB


@contextmanager
def disk_full(stand: Stand) -> Iterator[None]:
    """The one that holds PRECIS_DATA_DIR, PostgreSQL's data and what is spooled of uploads."""
    ballast = stand.stack.folder / "ballast"
    _fill(ballast)
    try:
        stand.background.run(stand.probes.upload(UPLOAD_BYTES))
        yield
    finally:
        ballast.unlink()
    stand.lifted()
    # PostgreSQL gives up where it cannot write its log, and its supervisor starts it again.
    start_again(stand)
    uploaded = stand.background.run(stand.probes.upload(UPLOAD_BYTES))
    assert uploaded.good, uploaded


@contextmanager
def movable_clock(stand: Stand) -> Iterator[None]:
    """The API and the worker started anew, with a clock that can be set."""
    offset, shim = stand.stack.folder / OFFSET, stand.stack.folder / "clock.so"
    offset.write_bytes(SECONDS.pack(0))
    compile_shim = [str(COMPILER), "-shared", "-fPIC", "-O1", "-o", str(shim), str(SHIM), "-ldl"]
    subprocess.run(compile_shim, check=True)  # noqa: S603  # our own arguments
    with stand.restarted({"LD_PRELOAD": str(shim), "CLOCK_OFFSET_FILE": str(offset)}):
        yield


@contextmanager
def clock_ahead(stand: Stand) -> Iterator[None]:
    """The API's and the worker's clocks jump an hour ahead, and back at the end; PostgreSQL's stays."""
    _set_clock(stand, HOUR)
    yield
    _set_clock(stand, 0)


def _set_clock(stand: Stand, seconds: int) -> None:
    """In place: the processes have it mapped."""
    with (stand.stack.folder / OFFSET).open("r+b") as file:
        file.write(SECONDS.pack(seconds))


@contextmanager
def names_dead(stand: Stand) -> Iterator[None]:
    """The name server falls silent: pages by name fail as `dns`, and nothing else is the worse for it."""
    stand.servers.names.silent = True
    named = stand.submit_named("unheard")
    yield
    assert stand.until(lambda: not stand.records.unfinished([named]), seconds=60)
    assert stand.records.failure(named) == ("dns", True)
    stand.servers.names.silent = False
    stand.lifted()
    again = stand.submit_named("heard")
    assert stand.until(lambda: stand.records.status(again) == "ready", seconds=30)


def _fill(ballast: Path) -> None:
    """To the last block."""
    with ballast.open("wb", buffering=0) as file:
        for size in (MIB, BLOCK_BYTES):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


def can_fill(stand: Stand) -> str | None:
    return None if stand.own_disk else "a disk of its own can be mounted by root only"


def can_jump(_stand: Stand) -> str | None:
    return None if COMPILER else "a C compiler (cc) is not installed here"


def can_silence(_stand: Stand) -> str | None:
    return None if has_own_names() else "a resolv.conf of its own needs root and unshare"
