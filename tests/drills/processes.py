"""Stopping, killing and waking processes that a drill started, with all that came from them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.local.process import Child
from tests.e2e.running import descendants, is_alive

GONE_SECONDS = 10.0


def send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def whole(child: Child) -> list[int]:
    """It first, so that it makes no more of them."""
    return [child.pid, *descendants(child.pid)]


@contextmanager
def frozen(child: Child) -> Iterator[None]:
    pids: list[int] = []
    try:
        send(signal.SIGSTOP, child.pid)
        pids = whole(child)
        send(signal.SIGSTOP, *pids)
        yield
    finally:
        send(signal.SIGCONT, *pids)


def kill(child: Child) -> None:
    """-9, and what came from it is gone as well before this returns."""
    pids = whole(child)
    send(signal.SIGKILL, child.pid)
    deadline = time.monotonic() + GONE_SECONDS
    while child.exit_code is None or any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            send(signal.SIGKILL, *pids)
            break
        time.sleep(0.02)
