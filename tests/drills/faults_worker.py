"""The worker killed with a summary in each of its stages, and pages that crash, hang or bloat the reader."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.drills.locks import RowLock
from tests.drills.processes import kill, send, whole
from tests.drills.stand import Stand

# In which try each is made. What stores it is one statement: PostgreSQL ends it, though its sender died.
TRIES = {"fetching": 2, "extracting": 2, "summarising": 2, "storing": 1}
STAGES = tuple(TRIES)
# Thirty seconds until a heartbeat counts as lost, twenty between the rounds that look for it.
TAKEN_UP_SECONDS = 90.0
PATIENCE_SECONDS = 20.0
# What each of them must end as: its reason, and whether it may be tried again.
POISONS = {
    "crashes": ("internal", True),
    "spins": ("timeout", True),
    "sleeps": ("timeout", True),
    "bloats": ("too_large", False),
}


@contextmanager
def killed_at_each_stage(stand: Stand) -> Iterator[None]:
    """One summary in each stage and one that waits, when the worker is killed."""
    staged = {stage: stand.submit_page(f"/held/{stage}") for stage in STAGES}
    for summary_id in staged.values():
        assert stand.until(lambda one=summary_id: stand.records.status(one) == "fetching", seconds=20)  # type: ignore[misc]  # bound at once
    locks = {stage: stand.records.hold(staged[stage]) for stage in STAGES[1:]}
    try:
        _advance(stand, locks)
        kill(stand.worker)
    finally:
        for lock in locks.values():
            lock.release()
    waiting = stand.submit_page("/queued")
    stand.background.run(stand.servers.origin.release("fetching"))
    yield
    everything = [*staged.values(), waiting]
    assert stand.until(lambda: not stand.records.unfinished(everything), seconds=TAKEN_UP_SECONDS)
    _check_tries(stand, staged, waiting)


def _advance(stand: Stand, locks: dict[str, RowLock]) -> None:
    """Each job waits at the write that begins its stage; once the readers stand still, it begins it."""
    stand.background.run(stand.servers.origin.release(*locks))
    locks["storing"].step()
    locks["storing"].step()
    locks["summarising"].step()
    for lock in locks.values():
        lock.await_writer()
    send(signal.SIGSTOP, *whole(stand.worker)[1:])
    locks["extracting"].step()
    locks["summarising"].step()


def _check_tries(stand: Stand, staged: dict[str, str], waiting: str) -> None:
    tries = {stage: stand.records.attempts(one) for stage, one in staged.items()}
    assert tries == TRIES, tries
    assert stand.records.attempts(waiting) == 1
    assert {stand.records.status(one) for one in (*staged.values(), waiting)} == {"ready"}


@contextmanager
def poisoned(stand: Stand) -> Iterator[None]:
    """A child dies of each page, and the worker goes on."""
    before = stand.worker.pid
    pages = {kind: stand.submit_page(f"/poison/{kind}") for kind in POISONS}
    yield
    assert stand.until(lambda: not stand.records.unfinished(pages.values()), seconds=TAKEN_UP_SECONDS)
    found = {kind: stand.records.failure(one) for kind, one in pages.items()}
    stand.lifted()
    assert found == POISONS, found
    assert stand.worker.pid == before
