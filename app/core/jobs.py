"""The queue's one door for the request path: a job is enqueued by name, in the request's own transaction.

Rolled back with it, committed with it; beside its arguments go the request's id and trace.
The worker's side is `app/worker/`; the queue is procrastinate.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.origin import current_origin

QUEUE = "default"
# Other people's servers are slow: deliveries have places of their own in a worker, and take nobody else's.
WEBHOOK_QUEUE = "webhooks"
# A worker's process works on each of them, and is registered for each.
QUEUES = (QUEUE, WEBHOOK_QUEUE)
# How much later goes by the queue's own clock, by which the job is taken up.
DEFER = text(
    "SELECT enqueue_job(:queue, :task, :priority, :lock, :args,"
    " coalesce(CAST(:run_at AS timestamptz), now() + CAST(:delay AS interval)))"
)
DEFER_MANY = text(
    "SELECT procrastinate_defer_jobs_v1(array_agg("
    "ROW(:queue, :task, :priority, NULL, job.lock, job.args, NULL)::procrastinate_job_to_defer_v1))"
    " FROM unnest(CAST(:locks AS text[]), CAST(:args AS jsonb[])) AS job(lock, args)"
    " WHERE NOT EXISTS (SELECT FROM procrastinate_jobs"
    " WHERE queueing_lock = job.lock AND status = 'todo') HAVING count(*) > 0"
)
# What runs has no index by this lock, but there are never more of those than workers have places.
WITHDRAW = text(
    "SELECT procrastinate_cancel_job_v1(job.id, true, false) FROM procrastinate_jobs job"
    " WHERE (job.status = 'todo' AND job.queueing_lock = :lock)"
    " OR (job.status = 'doing' AND job.worker_id IS NOT NULL AND job.queueing_lock = :lock)"
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
    delay: timedelta | None = None,
) -> bool:
    """False where a job with this lock already waits: it will do the work.

    `run_at`: not before then; else not before `delay` has passed.
    """
    values = {
        "queue": queue,
        "task": task,
        "priority": priority,
        "lock": queueing_lock,
        "args": job_arguments(args),
        "run_at": run_at,
        "delay": delay,
    }
    return bool(await session.scalar(DEFER, values))


def job_arguments(args: Mapping[str, str | int]) -> str:
    """As the queue keeps them, in JSON."""
    return to_json({**args, **current_origin().as_arguments()}).decode()


async def enqueue_many(
    session: AsyncSession,
    task: str,
    *,
    args_by_lock: Mapping[str, Mapping[str, str | int]],
    priority: int = 0,
) -> None:
    """In one statement, by queueing lock; who holds one of these locks for another job must not do so now."""
    origin = current_origin().as_arguments()
    await session.execute(
        DEFER_MANY,
        {
            "queue": QUEUE,
            "task": task,
            "priority": priority,
            "locks": list(args_by_lock),
            "args": [json.dumps({**args, **origin}) for args in args_by_lock.values()],
        },
    )


async def withdraw(session: AsyncSession, *, queueing_lock: str) -> None:
    """The job that waits is cancelled; of the one that runs its worker hears at once, and stops it."""
    await session.execute(WITHDRAW, {"lock": queueing_lock})
