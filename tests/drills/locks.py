"""Holding a summary's row, so that its job stops just where it is about to write."""

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import psycopg

LOCK = "SELECT 1 FROM summaries WHERE id = %s FOR UPDATE"
BLOCKED_BY = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
# The writer that waits is cut off by its statement's own timeout of 5 s.
PATIENCE_SECONDS = 4.0


class RowLock:
    """While it is held, the summary's job waits at its next write; `step` lets exactly one through."""

    def __init__(self, url: str, summary_id: str) -> None:
        self._url = url
        self._id = summary_id
        self._observer = psycopg.connect(url, autocommit=True)
        self._held = psycopg.connect(url)
        self._held.execute(LOCK, (summary_id,))

    def await_writer(self) -> None:
        pid = self._held.info.backend_pid
        _until(lambda: self._count(BLOCKED_BY, pid) > 0)

    def step(self) -> None:
        """The next lock queues up behind the writer before this one is let go."""
        self.await_writer()
        following = psycopg.connect(self._url)
        queued = Thread(target=following.execute, args=(LOCK, (self._id,)))
        queued.start()
        _until(lambda: self._count(BLOCKED, following.info.backend_pid) > 0)
        self._held.close()
        queued.join(PATIENCE_SECONDS)
        self._held = following

    def release(self) -> None:
        self._held.close()
        self._observer.close()

    def _count(self, statement: str, pid: int) -> int:
        row: tuple[Any, ...] | None = self._observer.execute(statement.encode(), (pid,)).fetchone()
        return row[0] if row else 0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody came to write this row")
        time.sleep(0.01)
