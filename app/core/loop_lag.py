"""How late the event loop is: what holds it for long delays every request of its process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from prometheus_client import Histogram

INTERVAL_SECONDS = 0.25
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

LAG = Histogram(
    "precis_event_loop_lag_seconds", "By how much a timer of the event loop was late.", buckets=BUCKETS
)

_turns = {"last": time.monotonic()}


def last_turn() -> float:
    """When the loop was last seen to turn, by time.monotonic(); of the process's start before that."""
    return _turns["last"]


@contextlib.asynccontextmanager
async def measured_lag(*, interval_seconds: float = INTERVAL_SECONDS) -> AsyncIterator[None]:
    task = asyncio.create_task(_measure(interval_seconds))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _measure(interval: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        LAG.observe(max(0.0, loop.time() - due))
        _turns["last"] = time.monotonic()
