"""A timeout that does not take our own standstill for somebody else's silence.

Where this process was stopped (its share of the processor was spent, the machine was given to others, garbage
was collected), the answer may have lain in the socket for long when the time is over, unread: all that was
asked just then would count as unanswered, and five of those open a breaker.
"""

import asyncio
from types import TracebackType

# Of a timer: more than a busy turn of the event loop takes.
LATE_SECONDS = 0.02
# What came meanwhile is read in the next turns; whoever was stopped with us has yet to answer.
GRACE_SECONDS = 0.05


class CallTimeout:
    """As asyncio.timeout(seconds), but where the end comes late it comes after a moment's grace."""

    __slots__ = ("_due", "_loop", "_scope", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(self._due, self._judge)
        await self._scope.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises TimeoutError."""
        self._timer.cancel()
        await self._scope.__aexit__(kind, error, traceback)

    def _judge(self) -> None:
        if self._loop.time() - self._due < LATE_SECONDS:
            self._end()
        else:
            self._timer = self._loop.call_later(GRACE_SECONDS, self._end)

    def _end(self) -> None:
        self._scope.reschedule(self._loop.time())
