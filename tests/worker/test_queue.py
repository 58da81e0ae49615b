import asyncio
from datetime import UTC, datetime

import pytest
from procrastinate.jobs import Job

from app.accounts.tasks import MAX_MAIL_TRIES
from app.core.mail import MailDelayedError, MailRefusedError
from app.summaries.tasks import MAX_TRIES
from app.worker.queue import MAIL_BACKOFF, Backoff

pytestmark = pytest.mark.unit


def job_tried(attempts: int) -> Job:
    return Job(
        id=1, queue="default", lock=None, queueing_lock=None, task_name="t", task_kwargs={}, attempts=attempts
    )


def seconds_until_retry(attempts: int, error: BaseException, backoff: Backoff | None = None) -> float | None:
    decision = (backoff or Backoff()).get_retry_decision(exception=error, job=job_tried(attempts))
    if decision is None or decision.retry_at is None:
        return None
    return (decision.retry_at - datetime.now(UTC)).total_seconds()


def test_last_try_is_not_repeated() -> None:
    assert seconds_until_retry(MAX_TRIES - 1, OSError()) is None


def test_pauses_grow_and_are_spread() -> None:
    for attempts in range(MAX_TRIES - 1):
        seconds = seconds_until_retry(attempts, OSError())
        assert seconds is not None
        assert 2**attempts - 1 <= seconds <= 2 * 2**attempts + 1


def test_job_stopped_with_its_worker_is_free_at_once_however_often() -> None:
    seconds = seconds_until_retry(MAX_TRIES + 3, asyncio.CancelledError())
    assert seconds is not None
    assert seconds <= 0


def test_a_mail_refused_for_good_is_not_repeated() -> None:
    assert seconds_until_retry(0, MailRefusedError(), MAIL_BACKOFF) is None


def test_a_delayed_mail_outlasts_greylisting_and_ends() -> None:
    pauses = [seconds_until_retry(n, MailDelayedError(), MAIL_BACKOFF) for n in range(MAX_MAIL_TRIES)]
    assert pauses[-1] is None
    waited = sum(pause for pause in pauses if pause)
    assert 15 * 60 < waited < 60 * 60
