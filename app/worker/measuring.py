"""Jobs by task: how many, how they ended, how long they took."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from procrastinate.exceptions import JobAborted
from prometheus_client import Counter, Gauge, Histogram

Parameters = ParamSpec("Parameters")

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 130)

JOBS = Counter(
    "precis_jobs",
    "Tries of jobs by how they ended: done, error (tried again or given up), cancelled (by a stop or user).",
    ["task", "outcome"],
)
SECONDS = Histogram("precis_job_seconds", "How long one try took.", ["task"], buckets=BUCKETS)
RUNNING = Gauge(
    "precis_jobs_running", "Jobs that run in this process.", ["task"], multiprocess_mode="livesum"
)
OUTCOMES = ("done", "error", "cancelled")


def measured(task: str, run: Callable[Parameters, Awaitable[None]]) -> Callable[Parameters, Awaitable[None]]:
    seconds, running = SECONDS.labels(task), RUNNING.labels(task)
    # There at 0 before the first: a rate over a missing series is no zero.
    for outcome in OUTCOMES:
        JOBS.labels(task, outcome)

    @functools.wraps(run)
    async def run_measured(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        began, outcome = time.perf_counter(), "error"
        with running.track_inprogress():
            try:
                await run(*args, **kwargs)
                outcome = "done"
            except (asyncio.CancelledError, JobAborted):
                outcome = "cancelled"
                raise
            finally:
                JOBS.labels(task, outcome).inc()
                seconds.observe(time.perf_counter() - began)

    return run_measured
