"""What a worker does when its queue's connections are lost: it begins again, and keeps its readers warm.

A new process takes seconds to load what it reads with; connections that a pooler or a firewall cut are back
at once, and after a failover soon. Where they are not, the process ends, and its supervisor tries again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

DATABASE_GONE = (ConnectorException, PoolTimeout)
# A loss so soon after the beginning is no cut: the database is out of reach.
STEADY_SECONDS = 15.0
AGAIN_SECONDS = 1.0

log = structlog.get_logger(__name__)


class QueueLostError(Exception):
    """The queue's database went away; a supervisor starts the worker again."""


@asynccontextmanager
async def opened(queue: App) -> AsyncIterator[None]:
    """Its connections are tried for, again and again, for as long as its pool has patience (30 s).

    Raises:
        QueueLostError: in vain.
    """
    try:
        await queue.open_async()
    except DATABASE_GONE as error:
        raise _lost(error) from error
    try:
        yield
    finally:
        await queue.close_async()


async def outlasting(
    work: Callable[[], Awaitable[None]],
    *,
    steady_seconds: float = STEADY_SECONDS,
    again_seconds: float = AGAIN_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """`work` until cancelled; that it ends, with DATABASE_GONE or without, means that a connection was lost.

    Each time it registers anew, so what it held is taken up as from a worker that has died.

    Raises:
        QueueLostError: it ended within `steady_seconds` of its beginning.
    """
    while True:
        cause: Exception | None = None
        began = clock()
        try:
            await work()
        except DATABASE_GONE as error:
            cause = error
        if clock() - began < steady_seconds:
            raise _lost(cause) from cause
        log.warning("queue_lost", error=repr(cause))
        await asyncio.sleep(again_seconds)


def _lost(cause: Exception | None) -> QueueLostError:
    why = "its connection was lost" if cause is None else cause.__cause__ or cause
    return QueueLostError(f"the queue's database cannot be used: {why}")
