"""One try: which lines it leaves, and which of its errors are reported."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs
from typing_extensions import override

from app.core.mail import MailRefusedError
from app.core.origin import JOB_ARGUMENT
from app.core.redis import RedisDownError
from app.core.sentry import configure_sentry
from app.worker.tries import tried
from tests.core.small_app import configure_plain_logs, small_settings

pytestmark = pytest.mark.unit

ORIGIN = {"request_id": "an-id", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}


class Capturing(Transport):
    @override
    def capture_envelope(self, envelope: Envelope) -> None:
        REPORTED.append(envelope)


REPORTED: list[Envelope] = []


@pytest.fixture(autouse=True)
def every_line() -> Iterator[None]:
    """Whatever level an app of another test was made with."""
    before = structlog.get_config()
    configure_plain_logs()
    yield
    structlog.configure(**before)


@pytest.fixture
def reported() -> Iterator[list[Envelope]]:
    REPORTED.clear()
    settings = small_settings(sentry_dsn="https://public@sentry.invalid/1")
    configure_sentry(settings, release="1", transport=Capturing)
    yield REPORTED
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def context(**arguments: Any) -> JobContext:  # Any: JSON
    job = Job(
        id=7, queue="q", lock=None, queueing_lock=None, task_name="t", task_kwargs=arguments, attempts=2
    )
    return JobContext(
        app=App(connector=InMemoryConnector()), job=job, start_timestamp=0, abort_reason=lambda: None
    )


async def lines_of(error: BaseException | None) -> list[Any]:  # Any: log fields
    async def run(_context: JobContext) -> None:
        if error is not None:
            raise error

    with capture_logs() as lines:
        await asyncio.gather(tried("t", run)(context()), return_exceptions=True)
    return [(line["event"], line.get("outcome")) for line in lines]


@pytest.mark.parametrize(
    "error", [ConnectorException(), RedisDownError(), MailRefusedError(), ConnectionRefusedError()]
)
async def test_what_is_away_is_told_and_not_reported(reported: list[Envelope], error: Exception) -> None:
    assert await lines_of(error) == [("job_put_off", None), ("job_tried", "error")]
    assert reported == []


@pytest.mark.parametrize("error", [asyncio.CancelledError(), JobAborted()])
async def test_a_job_that_is_stopped_has_not_failed(reported: list[Envelope], error: BaseException) -> None:
    assert await lines_of(error) == [("job_tried", "cancelled")]
    assert reported == []


async def test_what_nobody_expected_is_reported_once(reported: list[Envelope]) -> None:
    assert await lines_of(ValueError("x")) == [("job_failed", None), ("job_tried", "error")]
    assert len(reported) == 1


async def test_a_job_without_fault_says_so(reported: list[Envelope]) -> None:
    assert await lines_of(None) == [("job_tried", "done")]
    assert reported == []


async def test_lines_of_a_try_name_the_job_its_tenant_and_its_request() -> None:
    seen: dict[str, Any] = {}  # Any: log fields

    async def run(_context: JobContext, **arguments: str) -> None:
        seen.update(get_contextvars(), arguments=arguments)

    given = {"organization_id": "o", "mail": "reset"}
    await tried("t", run)(context(**given), **given, **{JOB_ARGUMENT: ORIGIN})
    assert seen.pop("arguments") == given
    ids = {"task": "t", "job_id": 7, "attempt": 3, "organization_id": "o"}
    assert seen == {**ids, "request_id": "an-id", "trace_id": ORIGIN["traceparent"][3:35]}
    assert get_contextvars() == {}
