"""Pooled connections that may be dead are asked before they are lent; the others are not.

A ping at every checkout costs four round trips, more than most requests' own statements. The driver knows of
every connection that its server has closed; only one that was silent for long may be gone without a word.
"""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# Well below what load balancers and firewalls forget a connection after.
SILENT_SECONDS = 5.0
_SINCE = "silent_since"


def check_before_lending(engine: AsyncEngine, *, clock: Callable[[], float] = time.monotonic) -> None:
    """In its listeners a DisconnectionError makes the pool connect anew."""
    sync = engine.sync_engine

    def remember(_connection: Any, entry: ConnectionPoolEntry) -> None:  # Any: the driver's
        entry.info[_SINCE] = clock()

    def check(
        connection: Any, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:  # Any: as above
        driver: Any = entry.driver_connection  # Any: asyncpg ships no types
        if driver.is_closed():
            raise DisconnectionError("closed by the server while it was in the pool")
        if clock() - entry.info.get(_SINCE, clock()) < SILENT_SECONDS:
            return
        try:
            sync.dialect.do_ping(connection)
        except sync.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("it was silent, and does not answer") from error

    event.listen(sync.pool, "checkin", remember)
    event.listen(sync.pool, "checkout", check)
