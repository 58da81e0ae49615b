"""What is measured of the database's connections: how long requests wait for one, and what goes wrong."""

import time

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from typing_extensions import override

READ_ONLY = "25006"
WAIT_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)

POOL_WAIT = Histogram(
    "precis_db_pool_wait_seconds",
    "From asking for a connection to having one; making a new one is part of it.",
    buckets=WAIT_BUCKETS,
)
IN_USE = Gauge(
    "precis_db_connections_in_use", "Connections that a transaction holds.", multiprocess_mode="livesum"
)
FAILURES = Counter(
    "precis_db_failures",
    "By kind: connect (unreachable), pool (none free in time), lost (broken while in use), read_only.",
    ["kind"],
)
# There at 0 before the first: a rate over a missing series is no zero.
for _kind in ("connect", "pool", "lost", "read_only"):
    FAILURES.labels(_kind)


class MeasuredPool(AsyncAdaptedQueuePool):
    # SQLAlchemy logs under the class's own module: its chatter stays under its own name, and level.
    __module__ = AsyncAdaptedQueuePool.__module__

    @override
    def _do_get(self) -> ConnectionPoolEntry:
        began = time.perf_counter()
        try:
            return super()._do_get()
        except PoolTimeoutError:
            FAILURES.labels("pool").inc()
            raise
        except Exception:
            FAILURES.labels("connect").inc()
            raise
        finally:
            POOL_WAIT.observe(time.perf_counter() - began)


def measure(engine: AsyncEngine) -> None:
    """Counts what the pool lends, and connections that break while they are lent."""
    sync: Engine = engine.sync_engine
    event.listen(sync.pool, "checkout", lambda *_: IN_USE.inc())
    event.listen(sync.pool, "checkin", lambda *_: IN_USE.dec())
    event.listen(sync, "handle_error", _count_lost)


def _count_lost(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        # Its server may have been demoted under us: the next connection is made anew, and this one alone.
        FAILURES.labels("read_only").inc()
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
    elif context.is_disconnect:
        FAILURES.labels("lost").inc()
