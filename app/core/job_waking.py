"""Workers are woken when a job is committed, by a transaction of its own.

Within the job's transaction a NOTIFY makes its commit wait for every other's that has one, each with its own
wait for the disk: PostgreSQL orders notifications as it orders commits.
"""

import asyncio
import json
from contextvars import Context

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database
from app.core.jobs import QUEUE

# Nothing is lost with it: whoever misses it looks by itself every few seconds.
WAKE = text(
    "SELECT set_config('synchronous_commit', 'off', true),"
    " pg_notify('procrastinate_queue_v1#' || CAST(:queue AS text), :message)"
)
# What the queue's own trigger says, but for a job's number: workers ask for what waits, not for that one.
MESSAGE = json.dumps({"type": "job_inserted", "job_id": 0})
REST_SECONDS = 0.05
logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class JobWaker:
    """At once for a single job; for many one call for all of the last fifty milliseconds."""

    def __init__(self, database: Database, *, rest_seconds: float = REST_SECONDS) -> None:
        self._database = database
        self._rest_seconds = rest_seconds
        self._has_news = False
        self._calling: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Of QUEUE. Its caller has committed a job, and waits for nothing."""
        self._has_news = True
        if self._calling is None:
            # In nobody's context: it belongs to no one request's trace.
            self._calling = asyncio.create_task(self._call(), context=Context())

    async def told(self) -> None:
        """Until nothing is left to tell."""
        if self._calling is not None:
            await self._calling

    async def aclose(self) -> None:
        """What is not told yet is told."""
        self._rest_seconds = 0
        await self.told()

    async def _call(self) -> None:
        try:
            while self._has_news:
                self._has_news = False
                await self._notify()
                await asyncio.sleep(self._rest_seconds)
        finally:
            self._calling = None

    async def _notify(self) -> None:
        try:
            await self._database.alone(WAKE, {"queue": QUEUE, "message": MESSAGE})
        except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
            logger.warning("workers_not_woken", error=type(error).__name__)
