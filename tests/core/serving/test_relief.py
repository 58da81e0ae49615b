"""Who of the former workers goes when, by the master's books alone."""

import signal
from dataclasses import dataclass, field

import pytest

from app.core.serving.relief import Relief

pytestmark = pytest.mark.unit


@dataclass
class Settings:
    workers: int = 2


@dataclass
class Master:
    """As gunicorn's arbiter after it has read its configuration anew."""

    WORKERS: dict[int, object]
    cfg: Settings = field(default_factory=Settings)
    num_workers: int = 2


@dataclass
class Worker:
    pid: int
    relieves: tuple[int, ...] = ()


@dataclass
class Told:
    signals: list[tuple[int, int]] = field(default_factory=list)
    gone: tuple[int, ...] = ()

    def __call__(self, pid: int, number: int) -> None:
        if pid in self.gone:
            raise ProcessLookupError
        self.signals.append((pid, number))


def forked(relief: Relief, *pids: int) -> list[Worker]:
    workers = [Worker(pid) for pid in pids]
    for worker in workers:
        relief.forking(worker)
    return workers


def test_nobody_is_told_to_go_before_a_new_one_serves() -> None:
    told, master = Told(), Master({10: None, 11: None})
    relief = Relief(told)
    relief.reload(master)
    assert [worker.relieves for worker in forked(relief, 20, 21)] == [(10,), (11,)]
    # So many are wanted for now: the master itself sends nobody away.
    assert (master.num_workers, told.signals) == (4, [])


def test_each_new_one_tells_one_former_to_go() -> None:
    told = Told()
    relief = Relief(told)
    relief.reload(Master({10: None, 11: None}))
    first, _ = forked(relief, 20, 21)
    relief.serving(first)
    assert told.signals == [(10, signal.SIGTERM)]


def test_as_many_are_wanted_in_the_end_as_before() -> None:
    relief, master = Relief(Told()), Master({10: None, 11: None})
    relief.reload(master)
    forked(relief, 20, 21)
    for pid in (10, 11):
        relief.ended(master, Worker(pid))
    assert master.num_workers == 2


def test_a_former_one_that_has_ended_by_itself_is_no_error() -> None:
    told = Told(gone=(10,))
    relief = Relief(told)
    relief.serving(Worker(20, (10, 11)))
    assert told.signals == [(11, signal.SIGTERM)]


def test_whom_a_worker_that_died_early_did_not_relieve_the_next_one_does() -> None:
    relief, master = Relief(Told()), Master({10: None, 11: None})
    relief.reload(master)
    dead, _ = forked(relief, 20, 21)
    relief.ended(master, dead)
    assert [worker.relieves for worker in forked(relief, 22)] == [(10,)]
    assert master.num_workers == 4


def test_a_second_reload_takes_over_what_the_first_has_left() -> None:
    relief, master = Relief(Told()), Master({10: None, 11: None})
    relief.reload(master)
    forked(relief, 20, 21)
    master.WORKERS |= {20: None, 21: None}
    master.num_workers = 2
    relief.reload(master)
    assert [worker.relieves for worker in forked(relief, 30, 31)] == [(10, 20), (11, 21)]
    for pid in (10, 11, 20, 21):
        relief.ended(master, Worker(pid))
    assert master.num_workers == 2


def test_a_crash_at_other_times_changes_nothing() -> None:
    relief, master = Relief(Told()), Master({10: None, 11: None})
    relief.ended(master, Worker(10))
    assert master.num_workers == 2
    assert [worker.relieves for worker in forked(relief, 12)] == [()]
