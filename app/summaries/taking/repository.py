"""What takes a summary in: its row, texts, job, count and kept answer, all by one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database, names_tenant_itself
from app.core.idempotency_store import Claim, Keeping
from app.core.jobs import QUEUE
from app.core.principal import Principal
from app.organizations.usage.service import Counted, Due
from app.reading.article import RawDocument
from app.summaries.models import Summary
from app.summaries.repository import BACKLOG_COUNTED, BACKLOG_PER_STEP

_WRITTEN = (
    ":tenant_organization, :tenant_user, :summary, :input, :document, :name, :type,"
    " :queue, :task, :job_args, :backlog_counted, :backlog_per_step"
)
_COUNTED = ":today, :api_key_id, :quota"
_KEPT = ":principal_id, :route, :key_digest, :fingerprint, :answer"
SUBMIT = text(
    "SELECT number, stored_bytes, began"  # noqa: S608  # our own names
    f" FROM submit_summary({_WRITTEN}, {_COUNTED}, {_KEPT})"
)
ACCEPT = text(
    "SELECT began, is_locked, fingerprint, answer, kept_at, ahead"  # noqa: S608  # as above
    f" FROM accept_summary({_WRITTEN}, :ahead, {_COUNTED}, :storage, :noticed, {_KEPT}, :lock)"
)
_COLUMNS = Summary.__table__.columns.keys()


@dataclass(frozen=True, slots=True)
class Writing:
    """A new summary and what is written along with it: its texts, job, place in the count, and answer.

    `submitted` is the text, html or file itself, None for a URL.
    """

    summary: Summary
    submitted: str | RawDocument | None
    task: str
    job_args: str
    due: Due
    keeping: Keeping | None


@dataclass(frozen=True, slots=True)
class Written:
    """`began`: what is `now()` in the transaction."""

    counted: Counted
    began: datetime


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Where `claim` says that another request was first, nothing is written, and the others say nothing.

    `ahead`: how many of the tenant's were unfinished before it.
    """

    began: datetime
    claim: Claim
    ahead: int


async def write(session: AsyncSession, writing: Writing) -> Written:
    """In the session's transaction. The summary stays what it is, a row that this session does not know."""
    with names_tenant_itself(session) as tenant:
        row = (await session.execute(SUBMIT, {**_values(writing), **tenant})).one()
    return Written(Counted(row.number, row.stored_bytes or 0), row.began)


async def write_alone(
    database: Database, principal: Principal, writing: Writing, *, ahead: int | None = None
) -> TakenIn | None:
    """In a transaction of its own, which claims the key too. Its caller wakes a worker.

    `ahead` is counted where it is None.

    None, and nothing is done, where there is more to it: a spent quota or storage, or a warning of that.
    """
    due, request = writing.due, writing.keeping and writing.keeping.request
    values = {
        **_values(writing),
        "storage": due.terms.storage_bytes,
        "noticed": due.noticed,
        "lock": request and request.lock,
        "ahead": ahead,
        "tenant_organization": principal.tenant,
        "tenant_user": principal.person,
    }
    rows = await database.alone(ACCEPT, values)
    if not rows:
        return None
    began, is_locked, fingerprint, answer, kept_at, counted = rows[0]
    return TakenIn(began, Claim(is_locked, fingerprint, answer, kept_at), counted)


def _values(writing: Writing) -> dict[str, Any]:  # Any: column values
    due = writing.due
    return {
        "summary": _given(writing.summary),
        **_content(writing.submitted),
        "queue": QUEUE,
        "task": writing.task,
        "job_args": writing.job_args,
        "backlog_counted": BACKLOG_COUNTED,
        "backlog_per_step": BACKLOG_PER_STEP,
        "today": due.today,
        "api_key_id": due.api_key_id,
        "quota": due.terms.summaries_per_month,
        **_kept(writing.keeping),
    }


def _given(summary: Summary) -> str:
    """The columns that it has a value for, in the JSON that PostgreSQL makes a row of."""
    held = vars(summary)
    columns = {name: value for name in _COLUMNS if (value := held.get(name)) is not None}
    if summary.submitted_key is not None:
        columns["submitted_key"] = f"\\x{summary.submitted_key.hex()}"
    return to_json(columns).decode()


def _content(submitted: str | RawDocument | None) -> dict[str, str | bytes | None]:
    if isinstance(submitted, RawDocument):
        document = {"document": submitted.body, "name": submitted.name, "type": submitted.content_type}
        return {"input": None, **document}
    return {"input": submitted, "document": None, "name": None, "type": None}


def _kept(keeping: Keeping | None) -> dict[str, Any]:  # Any: column values
    if keeping is None:
        return dict.fromkeys(("principal_id", "route", "key_digest", "fingerprint", "answer"))
    request = keeping.request
    return {
        "principal_id": request.principal_id,
        "route": request.route,
        "key_digest": request.key_digest,
        "fingerprint": request.fingerprint,
        "answer": keeping.answer,
    }
