"""The worker's writes, each fenced by the attempt that took the summary up.

A worker that was paused and comes back finds its attempt outdated and writes nothing: the summary is written
once although jobs are delivered at least once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Boolean, Table, column, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.jobs import enqueue
from app.core.principal import Plan
from app.reading.article import RawDocument
from app.summaries.announcing import COLUMNS, Announcer, announce_after_commit, progress_of
from app.summaries.models import Summary, SummaryContent, unwritten
from app.summaries.telling.facts import BY_STATUS
from app.summaries.telling.service import tell_of_end
from app.summaries.versions.store import keep_version
from app.summaries.vocabulary import FINAL, Status

ROWS, CONTENTS = cast("Table", Summary.__table__), cast("Table", SummaryContent.__table__)
# The table has a column more, of words to be found by, where that is known.
MAPPED = list(Summary.__mapper__.columns)
TOLD = [ROWS.c[each.key] for each in COLUMNS]
# A list of values is written into the text at every execution, an eighth of what a job's update costs.
NOT_FINAL = text("status NOT IN ({})".format(", ".join(f"'{status}'" for status in sorted(FINAL))))
TAKE_UP = text(
    f"SELECT {', '.join(each.key for each in MAPPED)} FROM take_up_summary(:organization_id, :summary_id)"  # noqa: S608  # our own names
).columns(*MAPPED)
ADVANCE = text(
    f"SELECT {', '.join(each.key for each in COLUMNS)}"  # noqa: S608  # as above
    " FROM advance_summary(:organization_id, :summary_id, :attempt, :status, CAST(:stages AS jsonb))"
).columns(*TOLD)
FINISH = text(
    f"SELECT is_long, {', '.join(each.key for each in COLUMNS)} FROM finish_summary("  # noqa: S608  # as above
    ":organization_id, :summary_id, :attempt, :event, CAST(:facts AS jsonb), :read_url, :extracted)"
).columns(column("is_long", Boolean()), *TOLD)
UNFINISHED = text("SELECT organization_id, summary_id FROM unfinished_summaries(:idle, :at_most)")
OLD_TRASH = text("SELECT organization_id, summary_id FROM old_trash(:plan, :kept, :at_most)")
UNCOLLECTED = text("SELECT organization_id, summary_id FROM uncollected_summaries(:kept, :at_most)")
# Any number that no other lock of ours uses.
UPKEEP_LOCK = text("SELECT pg_try_advisory_xact_lock(7041776)")


class OvertakenError(Exception):
    """Another attempt holds the summary by now, or it is gone: this one has nothing left to write."""


@dataclass(frozen=True, slots=True)
class SummaryKey:
    organization_id: UUID
    summary_id: UUID


@dataclass(frozen=True, slots=True)
class StepStore:
    """The steps of a job that are a statement each (migration 0040), and a transaction of its own."""

    database: Database
    key: SummaryKey
    announcer: Announcer | None = None

    async def take_up(self) -> Summary | None:
        """Begins the next attempt; None where there is nothing to do: finished, trashed or gone."""
        rows = await self.database.alone(TAKE_UP, self._key())
        if not rows:
            return None
        taken = unwritten(**dict(rows[0].items()))
        await self._tell(taken)
        return taken

    async def advance(self, attempt: int, status: Status, stages: Mapping[str, int]) -> None:
        """Raises OvertakenError where the fence has moved on."""
        values = {**self._key(), "attempt": attempt, "status": status.value, "stages": json.dumps(stages)}
        rows = await self.database.alone(ADVANCE, values)
        if not rows:
            raise OvertakenError
        await self._tell(rows[0])

    async def finish(self, taken: Summary, facts: Mapping[str, Any], extracted: str) -> bool:
        """False, and nothing is done, where there is more to it. Raises OvertakenError.

        `facts` are the columns that change, whose SQL is the function's (migration 0041).
        """
        values = {
            **self._key(),
            "attempt": taken.attempt,
            "event": BY_STATUS[Status.READY],
            "facts": json.dumps(facts, ensure_ascii=False, default=_as_text),
            "read_url": taken.url,
            "extracted": extracted,
        }
        rows = await self.database.alone(FINISH, values)
        if not rows:
            raise OvertakenError
        if not rows[0].is_long:
            await self._tell(rows[0])
        return not rows[0].is_long

    def _key(self) -> dict[str, Any]:  # Any: parameters
        return {"organization_id": self.key.organization_id, "summary_id": self.key.summary_id}

    async def _tell(self, row: Any) -> None:  # Any: a Summary, or a row of COLUMNS
        if self.announcer is not None:
            await self.announcer.announce(progress_of(row))


class JobStore:
    """Each change of status is told to `announcer` once it is committed."""

    def __init__(
        self, session: AsyncSession, organization_id: UUID, announcer: Announcer | None = None
    ) -> None:
        self._session = session
        self._organization_id = organization_id
        self._announcer = announcer

    async def put_back(self, taken: Summary, task: str, *, seconds: float, priority: int) -> None:
        """It waits again, for a job that begins so much later. Raises OvertakenError."""
        await self.write(taken, {"status": Status.QUEUED, "stages": {}})
        await enqueue(
            self._session,
            task,
            args={"organization_id": str(self._organization_id), "summary_id": str(taken.id)},
            queueing_lock=str(taken.id),
            priority=priority,
            delay=timedelta(seconds=seconds),
        )

    async def reopen(self, summary_id: UUID) -> bool:
        """A failed one waits again; False where it did not fail, was tried again meanwhile, or is gone."""
        values: dict[str, object] = {
            "status": Status.QUEUED,
            "failure_reason": None,
            "failure_retryable": None,
            "stages": {},
            "asked_at": func.now(),
        }
        statement = (
            update(Summary)
            .where(
                Summary.organization_id == self._organization_id,
                Summary.id == summary_id,
                Summary.status == Status.FAILED,
                Summary.deleted_at.is_(None),
            )
            .values(_versioned(values))
        )
        row = (await self._session.execute(statement.returning(*COLUMNS))).one_or_none()
        if row is not None:
            announce_after_commit(self._session, self._announcer, row)
        return row is not None

    async def submitted(self, summary_id: UUID) -> str:
        """The text or html as it was sent in."""
        statement = select(SummaryContent.input).where(
            SummaryContent.organization_id == self._organization_id, SummaryContent.summary_id == summary_id
        )
        return await self._session.scalar(statement) or ""

    async def document(self, summary_id: UUID) -> RawDocument | None:
        """The file as it was sent in; None once it has been read: then its text is there."""
        statement = select(
            SummaryContent.document, SummaryContent.document_type, SummaryContent.document_name
        ).where(
            SummaryContent.organization_id == self._organization_id,
            SummaryContent.summary_id == summary_id,
            SummaryContent.document.is_not(None),
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else RawDocument(row.document, row.document_type, name=row.document_name)

    async def extracted(self, summary_id: UUID) -> str:
        statement = select(SummaryContent.text).where(
            SummaryContent.organization_id == self._organization_id, SummaryContent.summary_id == summary_id
        )
        return await self._session.scalar(statement) or ""

    async def keep_version(self, taken: Summary, *, fingerprint: bytes) -> None:
        """Before `write` in the same transaction; `fingerprint` is of the text that comes."""
        # What has never said anything has no version to keep, and only a job of this attempt can make it.
        if taken.summary is not None:
            await keep_version(self._session, taken, fingerprint=fingerprint)

    async def write(self, taken: Summary, values: Mapping[str, Any]) -> None:  # Any: column values
        """Raises OvertakenError where the fence has moved on."""
        # Of the table: a session's own update costs twice as much, for rows that this one does not hold.
        statement = (
            update(ROWS)
            .where(
                ROWS.c.organization_id == self._organization_id,
                ROWS.c.id == taken.id,
                ROWS.c.attempt == taken.attempt,
                NOT_FINAL,
            )
            .values(_versioned(values))
            .returning(*TOLD, ROWS.c.also_call)
        )
        row = (await self._session.execute(statement)).one_or_none()
        if row is None:
            raise OvertakenError
        announce_after_commit(self._session, self._announcer, row)
        await tell_of_end(self._session, taken, row.status, also_call=row.also_call)

    async def write_text(self, taken: Summary, extracted: str) -> None:
        """Only after `write` in the same transaction: its row lock is this one's fence.

        A file has served its purpose: it was kept for another try.
        """
        written = {"text": extracted, "document": None}
        own = {"summary_id": taken.id, "organization_id": self._organization_id}
        # Of a URL nothing was kept until now.
        statement = insert(CONTENTS).values(**own, **written)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=[CONTENTS.c.summary_id], set_=written)
        )


def _as_text(value: object) -> str:
    """As PostgreSQL reads it from JSON."""
    return rf"\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _versioned(values: Mapping[str, Any]) -> dict[str, Any]:  # Any: column values
    return {**values, "version": Summary.version + 1, "updated_at": func.now()}


async def unfinished_summaries(
    session: AsyncSession, *, idle: timedelta, at_most: int
) -> Sequence[SummaryKey]:
    """Of all tenants, those that no job in the queue will take up, the oldest first."""
    rows = await session.execute(UNFINISHED, {"idle": idle, "at_most": at_most})
    return [SummaryKey(row.organization_id, row.summary_id) for row in rows]


async def old_trash(session: AsyncSession, plan: Plan, *, kept: timedelta, at_most: int) -> list[SummaryKey]:
    """Of all tenants of this plan, what was deleted longer ago than the plan keeps."""
    values = {"plan": plan, "kept": kept, "at_most": at_most}
    return [SummaryKey(*row) for row in await session.execute(OLD_TRASH, values)]


async def delete_trashed(session: AsyncSession, organization_id: UUID, ids: Sequence[UUID]) -> int:
    """For good; what was restored meanwhile stays. The session is bound to the organisation."""
    gone = delete(Summary).where(
        Summary.organization_id == organization_id, Summary.id.in_(ids), Summary.deleted_at.is_not(None)
    )
    return len((await session.scalars(gone.returning(Summary.id))).all())


async def uncollected(session: AsyncSession, *, kept: timedelta, at_most: int) -> list[SummaryKey]:
    """Of all tenants, what was not to be kept and has been for longer than this."""
    return [
        SummaryKey(*row) for row in await session.execute(UNCOLLECTED, {"kept": kept, "at_most": at_most})
    ]


async def delete_uncollected(session: AsyncSession, organization_id: UUID, ids: Sequence[UUID]) -> None:
    """The session is bound to the organisation."""
    gone = delete(Summary).where(
        Summary.organization_id == organization_id, Summary.id.in_(ids), Summary.ephemeral
    )
    await session.execute(gone)


async def claim_upkeep(session: AsyncSession) -> bool:
    """False while another worker keeps house; the claim ends with the transaction."""
    return bool(await session.scalar(UPKEEP_LOCK))
