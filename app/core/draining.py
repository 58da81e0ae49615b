"""Told to stop: waits end early and /health/ready says so, while the server finishes what it has.

The server's own handler still runs; ours only comes first. It installs nothing outside the main thread, where
Python has no signals (a test client's portal thread).
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from starlette.datastructures import State


def draining_of(state: State) -> Callable[[], bool]:
    """Whether the process has been told to stop, each time it is asked; `state` is the application's."""
    return lambda: bool(state.draining)


@contextmanager
def on_termination(tell: Callable[[], None]) -> Iterator[None]:
    """Calls `tell` at SIGTERM, before whoever handled it until now; restores that one on leaving."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.getsignal(signal.SIGTERM) or signal.SIG_DFL

    def handle(number: int, _frame: FrameType | None) -> None:
        tell()
        # Whatever was to happen happens, be it a handler of the server's or the end of the process.
        signal.signal(number, previous)
        signal.raise_signal(number)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
