"""What one of several processes counts goes into its shared file with what else was counted meanwhile.

A request counts a dozen things. Written one by one, each takes a lock, asks for the process's id, looks up
its place and packs two numbers: more than all else that it does for figures.
"""

import asyncio
import atexit
import os
from contextlib import ExitStack
from typing import Any

from prometheus_client import values

# Another process' scrape misses so much; a process's own begins with `write_counts`.
WRITE_SECONDS = 0.01


class Owed:
    """Values that have counted something which their file does not say yet."""

    def __init__(self) -> None:
        self._values: list[Any] = []  # Any: of the class below
        self.loop: asyncio.AbstractEventLoop | None = None

    def add(self, value: Any, loop: asyncio.AbstractEventLoop) -> None:  # Any: as above
        # Another loop's timer may never come: it has ended.
        if not self._values or loop is not self.loop:
            self.loop = loop
            loop.call_later(WRITE_SECONDS, self.write)
        self._values.append(value)

    def write(self) -> None:
        """One that cannot be written keeps none of the others from it."""
        owing, self._values = self._values, []
        with ExitStack() as others:
            for value in reversed(owing):
                others.callback(value.write)

    def forget(self) -> None:
        """In a forked child: what is owed is its parent's."""
        for value in self._values:
            value.unwritten = 0.0
        self._values = []


def written_together(at_once: Any, owed: Owed) -> Any:  # Any: classes of a library without types
    """`at_once` is prometheus_client's own class of values, which writes with each increment."""

    class WrittenTogether(at_once):  # type: ignore[misc]  # as above
        unwritten = 0.0

        def inc(self, amount: float) -> None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                # A thread, or before the first request: nobody would write it later.
                super().inc(amount)
                return
            if not self.unwritten or owed.loop is not loop:
                owed.add(self, loop)
            self.unwritten += amount

        def write(self) -> None:
            amount, self.unwritten = self.unwritten, 0.0
            if amount:
                super().inc(amount)

        def set(self, value: float, timestamp: float | None = None) -> None:
            self.unwritten = 0.0
            super().set(value, timestamp=timestamp)

        def get(self) -> float:
            written: float = super().get()
            return written + self.unwritten

    return WrittenTogether


_OWED = Owed()


def share_counts() -> None:
    """Before the first metric is made, where PROMETHEUS_MULTIPROC_DIR is set."""
    # The way that prometheus_client's README has for a value class of one's own.
    at_once = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # it ships no types
    values.ValueClass = written_together(at_once, _OWED)
    os.register_at_fork(after_in_child=_OWED.forget)
    atexit.register(_OWED.write)


async def write_counts() -> None:
    """So that what is read next has all that this process has counted; on the loop, as all counting is."""
    _OWED.write()
