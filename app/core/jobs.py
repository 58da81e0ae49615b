"""The queue's one door for the request path: a job is enqueued by name, in the request's own transaction.

Rolled back with it, committed with it. The worker's side is `app/worker.py`; the queue is procrastinate.
"""

import json
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import UNIQUE_VIOLATION

QUEUE = "default"
DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY["
    "ROW(:queue, :task, :priority, NULL, :lock, CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
)


async def enqueue(
    session: AsyncSession,
    task: str,
    *,
    args: Mapping[str, str | int],
    queueing_lock: str,
    priority: int = 0,
) -> bool:
    """False where a job with this lock already waits: it will do the work."""
    values = {
        "queue": QUEUE,
        "task": task,
        "priority": priority,
        "lock": queueing_lock,
        "args": json.dumps(args),
    }
    try:
        async with session.begin_nested():
            await session.execute(DEFER, values)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        return False
    return True
