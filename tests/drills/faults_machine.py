"""A full disk, a clock that jumps, names that nobody answers for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drills.faults_postgres import start_again
from tests.drills.stand import Stand, has_own_names

FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
HOUR = 3600
MIB = 1024 * 1024
UPLOAD_BYTES = 3 * MIB


@contextmanager
def disk_full(stand: Stand) -> Iterator[None]:
    """The one that holds PRECIS_DATA_DIR, PostgreSQL's data and what is spooled of uploads."""
    ballast = stand.stack.folder / "ballast"
    free = shutil.disk_usage(stand.stack.folder).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)
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
def clock_ahead(stand: Stand) -> Iterator[None]:
    """The API's and the worker's clocks jump an hour ahead, and back at the end; PostgreSQL's stays."""
    offset = stand.stack.folder / "offset"
    offset.write_text("+0", "ascii")
    given = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with stand.restarted(given):
        offset.write_text(f"+{HOUR}", "ascii")
        yield
        offset.write_text("+0", "ascii")
        stand.lifted()
        stand.wait(3)


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


def can_fill(stand: Stand) -> str | None:
    return None if stand.own_disk else "a disk of its own can be mounted by root only"


def can_jump(_stand: Stand) -> str | None:
    return None if FAKETIME else "libfaketime is not installed here"


def can_silence(_stand: Stand) -> str | None:
    return None if has_own_names() else "a resolv.conf of its own needs root and unshare"
