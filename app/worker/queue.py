"""The job app: which function does which task, and when a failed one is tried again."""

import asyncio
import random
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from typing_extensions import override

from app.core.jobs import QUEUE
from app.settings import Settings
from app.settings_parsing import to_libpq_url
from app.summaries.service import SUMMARISE
from app.summaries.store import SummaryKey
from app.summaries.tasks import MAX_TRIES, Workbench, summarise

BENCH = "bench"
LONGEST_BACKOFF_SECONDS = 60
# Until a job's own bookkeeping gives up on the database, and the process with it.
POOL_SECONDS = 5
# A silent network (a frozen host, a dropped route) is noticed within half a minute, not after two hours.
CONNECTION = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "precis-worker",
}


class Backoff(BaseRetryStrategy):
    """1, 2, 4, 8 s, each up to doubled by chance: what failed together does not come back together."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            # We were told to stop, which is no fault of the job's: another worker may have it at once.
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts + 1 >= MAX_TRIES:
            return None
        seconds = min(2**job.attempts, LONGEST_BACKOFF_SECONDS) * random.uniform(1, 2)  # noqa: S311  # no secret
        return RetryDecision(retry_in={"seconds": round(seconds)})


async def run_summarise(context: JobContext, organization_id: str, summary_id: str) -> None:
    bench: Workbench = context.additional_context[BENCH]
    key = SummaryKey(UUID(organization_id), UUID(summary_id))
    await summarise(bench, key, tries=context.job.attempts)


def make_queue(settings: Settings) -> App:
    """Not connected yet: `async with queue.open_async()`. Needs a direct DSN, as it listens for jobs."""
    url = settings.worker_database_url or settings.database_url
    connector = PsycopgConnector(
        conninfo=to_libpq_url(url), min_size=1, max_size=4, timeout=POOL_SECONDS, kwargs=CONNECTION
    )
    queue = App(connector=connector)
    queue.task(name=SUMMARISE, queue=QUEUE, pass_context=True, retry=Backoff())(run_summarise)
    return queue
