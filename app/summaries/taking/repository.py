"""What takes summaries in: row, texts, job, count and kept answer by one statement, of one or of a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database, names_tenant_itself
from app.core.group_commit import lock_patience
from app.core.idempotency_store import Claim, Keeping
from app.core.jobs import QUEUE
from app.core.principal import Principal
from app.organizations.usage.figures import Counted, Due
from app.reading.article import RawDocument
from app.summaries.models import Summary
from app.summaries.repository import BACKLOG_COUNTED, BACKLOG_PER_STEP

SUBMIT = text(
    "SELECT number, stored_bytes, began FROM submit_summary("
    ":tenant_organization, :tenant_user, :summary, :input, :document, :name, :type,"
    " :queue, :task, :job_args, :backlog_counted, :backlog_per_step, :today, :api_key_id, :quota,"
    " :principal_id, :route, :key_digest, :fingerprint, :answer)"
)
ACCEPT = text(
    "SELECT place, began, is_locked, fingerprint, answer, kept_at, ahead FROM accept_summaries("
    "CAST(:told_tenants AS text[]), CAST(:told_persons AS text[]), CAST(:entries AS jsonb),"
    " CAST(:inputs AS text[]), CAST(:documents AS bytea[]), CAST(:answers AS bytea[]),"
    " :queue, :task, :backlog_counted, :backlog_per_step, :patience)"
)
# What takes the server long keeps nobody else waiting.
LARGE_BYTES = 64 * 1024
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
class Entry:
    """`ahead`: how many of its tenant's are unfinished; they are counted where it is None."""

    principal: Principal
    writing: Writing
    ahead: int | None

    @property
    def is_large(self) -> bool:
        submitted = self.writing.submitted
        content = submitted.body if isinstance(submitted, RawDocument) else submitted
        return content is not None and len(content) > LARGE_BYTES


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Where `claim` says that another request was first, nothing is written, and the others say nothing.

    `began`: what is `now()` in the transaction. `ahead`: how many of the tenant's were unfinished before it.
    """

    began: datetime
    claim: Claim
    ahead: int


async def write(session: AsyncSession, writing: Writing) -> Written:
    """In the session's transaction. The summary stays what it is, a row that this session does not know."""
    with names_tenant_itself(session) as tenant:
        row = (await session.execute(SUBMIT, {**_values(writing), **tenant})).one()
    return Written(Counted(row.number, row.stored_bytes or 0), row.began)


async def write_group(database: Database, entries: Sequence[Entry]) -> Sequence[TakenIn | None]:
    """Each in its place, in one transaction, which claims their keys too. Its callers wake a worker.

    None, and nothing is done, where there is more to one: a spent quota or storage, or a warning of that.
    """
    rows = await database.alone(ACCEPT, _group_values(entries))
    taken: list[TakenIn | None] = [None] * len(entries)
    for place, began, is_locked, fingerprint, answer, kept_at, ahead in rows:
        taken[place - 1] = TakenIn(began, Claim(is_locked, fingerprint, answer, kept_at), ahead)
    return taken


def _values(writing: Writing) -> dict[str, Any]:  # Any: column values
    due = writing.due
    return {
        "summary": to_json(_given(writing.summary)).decode(),
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


def _given(summary: Summary) -> dict[str, Any]:  # Any: column values
    """The columns that it has a value for, as PostgreSQL makes a row of them from JSON."""
    held = vars(summary)
    columns = {name: value for name in _COLUMNS if (value := held.get(name)) is not None}
    if summary.submitted_key is not None:
        columns["submitted_key"] = _to_bytea(summary.submitted_key)
    return columns


def _to_bytea(raw: bytes) -> str:
    """As JSON holds it for PostgreSQL."""
    return f"\\x{raw.hex()}"


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


def _group_values(entries: Sequence[Entry]) -> dict[str, Any]:  # Any: parameters
    writings = [entry.writing for entry in entries]
    contents = [writing.submitted for writing in writings]
    # The function is told of one for all.
    (task,) = {writing.task for writing in writings}
    return {
        "told_tenants": [entry.principal.tenant for entry in entries],
        "told_persons": [entry.principal.person for entry in entries],
        "entries": to_json([_told(place, entry) for place, entry in enumerate(entries, 1)]).decode(),
        "inputs": [None if isinstance(content, RawDocument) else content for content in contents],
        "documents": [content.body if isinstance(content, RawDocument) else None for content in contents],
        "answers": [writing.keeping.answer if writing.keeping else None for writing in writings],
        "queue": QUEUE,
        "task": task,
        "backlog_counted": BACKLOG_COUNTED,
        "backlog_per_step": BACKLOG_PER_STEP,
        "patience": lock_patience(entries),
    }


def _told(place: int, entry: Entry) -> dict[str, Any]:  # Any: JSON
    """Its place counts from one."""
    writing, due = entry.writing, entry.writing.due
    told: dict[str, Any] = {  # Any: as above
        "place": place,
        "summary": _given(writing.summary),
        "job_args": writing.job_args,
        "ahead": entry.ahead,
        "today": due.today,
        "api_key": due.api_key_id,
        "quota": due.terms.summaries_per_month,
        "storage": due.terms.storage_bytes,
        "noticed": due.noticed,
    }
    if isinstance(writing.submitted, RawDocument):
        told |= {"document_name": writing.submitted.name, "document_type": writing.submitted.content_type}
    if writing.keeping is not None:
        request = writing.keeping.request
        told |= {
            "principal": request.principal_id,
            "path": request.route,
            "digest": _to_bytea(request.key_digest),
            "print": _to_bytea(request.fingerprint),
            "lock": request.lock,
        }
    return told
