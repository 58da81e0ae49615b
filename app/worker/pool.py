"""The queue's own connections: each question to it is one statement, in one round trip."""

import select
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[Any]  # Any: its rows
# As of the other pool (core/db_freshness.py).
SILENT_SECONDS = 5.0


class Freshness:
    """psycopg's check before each lending is a round trip; one that was just used is only looked at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._back_since: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    async def given_back(self, connection: Connection) -> None:
        self._back_since[connection] = self._clock()

    async def check(self, connection: Connection) -> None:
        """Raises OperationalError where it is gone: the pool then opens another."""
        silent = self._clock() - self._back_since.get(connection, float("-inf"))
        if silent > SILENT_SECONDS or _has_news(connection):
            await AsyncConnectionPool.check_connection(connection)


def _has_news(connection: Connection) -> bool:
    """An idle server says nothing unless it closes: a word of why, or the end of the stream."""
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return bool(looking.poll(0))


async def _one_statement_each(connection: Connection) -> None:
    """Without BEGIN and COMMIT around it each question is one round trip."""
    await connection.set_autocommit(True)


def make_pool(**options: Any) -> AsyncConnectionPool[Connection]:  # Any: the pool's own
    """For procrastinate, whose own check is put aside for ours."""
    freshness = Freshness()
    ours = {"configure": _one_statement_each, "check": freshness.check, "reset": freshness.given_back}
    return AsyncConnectionPool(**{**options, **ours})
