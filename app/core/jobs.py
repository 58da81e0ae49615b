"""The queue's one door for the request path: a job is enqueued by name, in the request's own transaction.

Rolled back with it, committed with it. The worker's side is `app/worker.py`; the queue is procrastinate.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import UNIQUE_VIOLATION

QUEUE = "default"
# Other people's servers are slow: deliveries have places of their own in a worker, and take nobody else's.
WEBHOOK_QUEUE = "webhooks"
DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY["
    "ROW(:queue, :task, :priority, NULL, :lock, CAST(:args AS jsonb), CAST(:run_at AS timestamptz))"
    "::procrastinate_job_to_defer_v1])"
)


async def enqueue(
    session: AsyncSession,
    task: str,
    *,
    args: Mapping[str, str | int],
    queueing_lock: str,
    priority: int = 0,
    queue: str = QUEUE,
    run_at: datetime | None = None,
) -> bool:
    """False where a job with this lock already waits: it will do the work. `run_at`: not before then."""
    values = {
        "queue": queue,
        "task": task,
        "priority": priority,
        "lock": queueing_lock,
        "args": json.dumps(args),
        "run_at": run_at,
    }
    try:
        async with session.begin_nested():
            await session.execute(DEFER, values)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        return False
    return True
