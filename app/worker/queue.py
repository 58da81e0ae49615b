"""The job app: which function does which task, and when a failed one is tried again."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job
from typing_extensions import override

from app.accounts.invitation_mail import send_invitation
from app.accounts.tasks import (
    FIRST_MAIL_PAUSE_SECONDS,
    LONGEST_MAIL_PAUSE_SECONDS,
    MAX_MAIL_TRIES,
    MailOrder,
    PostOffice,
    send_mail,
)
from app.core.jobs import QUEUE, WEBHOOK_QUEUE
from app.core.mail import Mailer, MailRefusedError, make_mailer
from app.organizations.invitations.service import SEND_INVITATION
from app.organizations.invitations.tokens import InvitationTokens
from app.outbox.deliveries import DELIVER
from app.outbox.mails import SEND_MAIL, Mail
from app.settings import Settings
from app.settings_parsing import to_libpq_url
from app.summaries.store import SummaryKey
from app.summaries.tasks import MAX_TRIES, Workbench, summarise
from app.summaries.vocabulary import SUMMARISE
from app.users.mail_tokens import MailTokens
from app.webhooks.tasks import Courier, deliver
from app.worker.measuring import measured
from app.worker.pool import make_pool
from app.worker.tries import Task, tried

BENCH = "bench"
PLACES = "places"
COURIER = "courier"
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


@dataclass(frozen=True, slots=True)
class Backoff(BaseRetryStrategy):
    """1, 2, 4, 8 s, each up to doubled by chance: what failed together does not come back together.

    An error that is `permanent` is not tried again: its job is one of the failed at once.
    """

    max_tries: int = MAX_TRIES
    first_seconds: int = 1
    longest_seconds: int = LONGEST_BACKOFF_SECONDS
    permanent: tuple[type[Exception], ...] = ()

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            # We were told to stop, which is no fault of the job's: another worker may have it at once.
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, self.permanent) or job.attempts + 1 >= self.max_tries:
            return None
        pause = min(self.first_seconds * 2**job.attempts, self.longest_seconds)
        spread = random.uniform(1, 2)  # noqa: S311  # no secret
        return RetryDecision(retry_in={"seconds": round(pause * spread)})


MAIL_BACKOFF = Backoff(
    MAX_MAIL_TRIES, FIRST_MAIL_PAUSE_SECONDS, LONGEST_MAIL_PAUSE_SECONDS, permanent=(MailRefusedError,)
)


async def run_summarise(context: JobContext, organization_id: str, summary_id: str) -> None:
    bench: Workbench = context.additional_context[BENCH]
    key = SummaryKey(UUID(organization_id), UUID(summary_id))
    try:
        # Only a worker that lends places has told where they are.
        place_of = context.additional_context.get(PLACES)
        place = place_of(context.job.priority) if place_of else None
        job = context.job
        await summarise(bench, key, tries=job.attempts, place=place, priority=job.priority)
    except asyncio.CancelledError:
        if context.abort_reason() is AbortReason.USER_REQUEST:
            # Withdrawn by whoever cancelled the summary: nothing to try again, and no dead letter.
            raise JobAborted from None
        raise


async def run_deliver(context: JobContext, organization_id: str) -> None:
    courier: Courier = context.additional_context[COURIER]
    await deliver(courier, UUID(organization_id))


def mail_runner(settings: Settings, mailer: Mailer) -> Callable[..., Awaitable[None]]:
    tokens = MailTokens.from_secret(settings.signing_secret)

    async def run_send_mail(context: JobContext, mail: str, user_id: str, **facts: str | int) -> None:
        bench: Workbench = context.additional_context[BENCH]
        office = PostOffice(bench.database, mailer, tokens, settings.base_url)
        order = MailOrder(context.job.id or 0, Mail(mail), UUID(user_id), facts)
        await send_mail(office, order)

    return run_send_mail


def invitation_runner(settings: Settings, mailer: Mailer) -> Callable[..., Awaitable[None]]:
    mail_tokens = MailTokens.from_secret(settings.signing_secret)
    tokens = InvitationTokens.from_secret(settings.signing_secret)

    async def run_send_invitation(context: JobContext, organization_id: str, invitation_id: str) -> None:
        bench: Workbench = context.additional_context[BENCH]
        office = PostOffice(bench.database, mailer, mail_tokens, settings.base_url)
        ids = {"organization_id": UUID(organization_id), "invitation_id": UUID(invitation_id)}
        await send_invitation(office, tokens, **ids)

    return run_send_invitation


def _watched(task: str, run: Task) -> Task:
    return tried(task, measured(task, run))


def make_queue(settings: Settings, *, mailer: Mailer | None = None) -> App:
    """Not connected yet: `async with queue.open_async()`. Needs a direct DSN, as it listens for jobs."""
    url = settings.worker_database_url or settings.database_url
    connector = PsycopgConnector(
        pool_factory=make_pool,
        conninfo=to_libpq_url(url),
        min_size=1,
        max_size=6,
        timeout=POOL_SECONDS,
        kwargs=CONNECTION,
    )
    queue = App(connector=connector)
    queue.task(name=SUMMARISE, queue=QUEUE, pass_context=True, retry=Backoff())(
        _watched(SUMMARISE, run_summarise)
    )
    queue.task(name=DELIVER, queue=WEBHOOK_QUEUE, pass_context=True, retry=Backoff())(
        _watched(DELIVER, run_deliver)
    )
    mailer = mailer or make_mailer(settings, stream=sys.stdout)
    run_send_mail = _watched(SEND_MAIL, mail_runner(settings, mailer))
    queue.task(name=SEND_MAIL, queue=QUEUE, pass_context=True, retry=MAIL_BACKOFF)(run_send_mail)
    invite = _watched(SEND_INVITATION, invitation_runner(settings, mailer))
    queue.task(name=SEND_INVITATION, queue=QUEUE, pass_context=True, retry=MAIL_BACKOFF)(invite)
    return queue
