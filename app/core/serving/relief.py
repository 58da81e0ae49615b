"""A reload (SIGHUP) without a gap: a former worker is told to go by the new one that takes its place.

gunicorn itself tells them at once, and until the new ones have imported everything, seconds later, nobody
serves. Here the master counts both generations as wanted, and each former one less as it leaves.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Settings(Protocol):
    @property
    def workers(self) -> int: ...


class Master(Protocol):
    """Of gunicorn's arbiter. `num_workers`: how many it wants."""

    num_workers: int

    @property
    def cfg(self) -> Settings: ...

    @property
    def WORKERS(self) -> Mapping[int, Any]:  # noqa: N802  # its own name; Any: its workers
        """By pid."""
        ...


class Worker(Protocol):
    """`relieves`: whom it tells to go once it serves."""

    pid: int
    relieves: tuple[int, ...]


class Relief:
    """The master's books. gunicorn.conf.py is read anew at each reload; this module is not."""

    def __init__(self, tell: Callable[[int, int], None] = os.kill) -> None:
        self._tell = tell
        self._leaving: set[int] = set()
        self._shares: list[tuple[int, ...]] = []

    def reload(self, master: Master) -> None:
        """Before the new ones are forked. One that comes while another goes on takes over the rest of it."""
        former = sorted(master.WORKERS)
        self._leaving = set(former)
        self._shares = [tuple(former[number :: master.cfg.workers]) for number in range(master.cfg.workers)]
        master.num_workers += len(former)

    def forking(self, worker: Worker) -> None:
        worker.relieves = self._shares.pop(0) if self._shares else ()

    def serving(self, worker: Worker) -> None:
        """In the new worker's own process."""
        for pid in worker.relieves:
            with contextlib.suppress(ProcessLookupError):
                self._tell(pid, signal.SIGTERM)

    def ended(self, master: Master, worker: Worker) -> None:
        """In the master. Whom a worker that died early did not relieve, the next one does."""
        if worker.pid in self._leaving:
            self._leaving.discard(worker.pid)
            master.num_workers -= 1
        elif left := tuple(pid for pid in worker.relieves if pid in self._leaving):
            self._shares.append(left)


RELIEF = Relief()
