"""Each try of a job as part of what asked for it: its log lines, its span, its report where it broke."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry.trace import SpanKind
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException, JobAborted
from psycopg_pool import PoolTimeout
from structlog.contextvars import bound_contextvars

from app.core.mail import MailDelayedError, MailRefusedError
from app.core.middleware.unhandled import is_unavailable
from app.core.origin import JOB_ARGUMENT, Origin, current_request_id, resumed
from app.core.redis import RedisDownError
from app.core.reports import report_fault
from app.core.tracing import span

Task = Callable[..., Awaitable[None]]

# Others' servers and ours being away: told in the log and in figures, no fault in the code.
EXPECTED = (ConnectorException, PoolTimeout, RedisDownError, MailDelayedError, MailRefusedError)

log = structlog.get_logger(__name__)


def tried(task: str, run: Task) -> Task:
    @functools.wraps(run)
    async def run_tried(context: JobContext, **arguments: Any) -> None:  # Any: JSON
        origin = Origin.of_arguments(arguments.pop(JOB_ARGUMENT, None))
        with resumed(origin), bound_contextvars(**_ids(task, context, arguments)), _told(task, context):
            await run(context, **arguments)

    return run_tried


def _ids(task: str, context: JobContext, arguments: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    ids = {"task": task, "job_id": context.job.id, "attempt": context.job.attempts + 1}
    known = {name: arguments[name] for name in ("organization_id", "summary_id") if name in arguments}
    return {**ids, **known}


@contextmanager
def _told(task: str, context: JobContext) -> Iterator[None]:
    began, outcome = time.perf_counter(), "error"
    with span(task, kind=SpanKind.CONSUMER, attributes=_attributes(context)) as made:
        try:
            yield
            outcome = "done"
        except (asyncio.CancelledError, JobAborted):
            outcome = "cancelled"
            raise
        except Exception as error:
            _tell(error)
            raise
        finally:
            made.set_attribute("precis.outcome", outcome)
            log.info("job_tried", outcome=outcome, ms=round((time.perf_counter() - began) * 1000, 1))


def _attributes(context: JobContext) -> dict[str, str | int]:
    job = context.job
    attributes: dict[str, str | int] = {
        "messaging.system": "procrastinate",
        "messaging.operation.type": "process",
        "messaging.destination.name": job.queue,
        "messaging.message.id": str(job.id),
        "precis.attempt": job.attempts + 1,
    }
    given = {**job.task_kwargs, "request_id": current_request_id()}
    known = {name: given.get(name) for name in ("organization_id", "summary_id", "request_id")}
    return attributes | {f"precis.{name}": str(value) for name, value in known.items() if value}


def _tell(error: Exception) -> None:
    if isinstance(error, EXPECTED) or is_unavailable(error):
        log.warning("job_put_off", error=type(error).__name__)
        return
    log.error("job_failed", exc_info=error)
    report_fault(error)
