"""What people read and write of their organisation's summaries: every statement of the request path."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    Uuid,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset
from app.summaries.duplicates import without_callback
from app.summaries.filters import Filters
from app.summaries.models import UNFINISHED, Summary, SummaryContent
from app.summaries.vocabulary import CALLBACK, Source, Status, Visibility

# Beyond this many waiting summaries a tenant's next one cannot be graded any lower: the count stays cheap.
BACKLOG_COUNTED = 10_000
# So many waiting summaries of one tenant put its next one a step behind everybody else's.
BACKLOG_PER_STEP = 10
NEWEST_FIRST = Keyset("summaries", (Summary.created_at, Summary.id))
SUBMISSION_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
OLDEST_FIRST = Keyset("summaries", (Summary.created_at, Summary.id), descending=False)


class SummaryRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self.organization_id = organization_id

    async def find(self, summary_id: UUID, *, viewer: UUID) -> Summary | None:
        """Also what is not kept, for its author to collect."""
        own = and_(Summary.organization_id == self.organization_id, Summary.user_id == viewer, kept())
        seen = or_(and_(*visible(self.organization_id, viewer)), own)
        return await self._session.scalar(select(Summary).where(Summary.id == summary_id, seen))

    async def find_locked(self, summary_id: UUID, *, viewer: UUID) -> Summary | None:
        """Holds the row until the transaction ends, so that what was checked is what is written."""
        statement = self._visible(viewer).where(Summary.id == summary_id).with_for_update()
        return await self._session.scalar(statement)

    async def find_text(self, summary_id: UUID) -> str | None:
        statement = select(SummaryContent.text).where(
            SummaryContent.organization_id == self.organization_id, SummaryContent.summary_id == summary_id
        )
        return await self._session.scalar(statement)

    async def has_text(self, summary_id: UUID) -> bool:
        stored = exists().where(
            SummaryContent.organization_id == self.organization_id,
            SummaryContent.summary_id == summary_id,
            SummaryContent.text.is_not(None),
        )
        return bool(await self._session.scalar(select(stored)))

    async def lock_submission(self, summary: Summary) -> None:
        """Until the transaction ends, whoever submits an equal one waits, and then finds this one."""
        key = (summary.submitted_key or b"").hex()
        name = f"submission:{self.organization_id}:{summary.user_id}:{key}"
        await self._session.execute(SUBMISSION_LOCK, {"name": name})

    async def find_equal(self, summary: Summary) -> Summary | None:
        """The newest, locked; `summary` is not in the database yet."""
        same_source = Summary.submitted_key == summary.submitted_key
        if summary.source == Source.URL:
            named = and_(Summary.source == Source.URL, Summary.canonical_url == summary.canonical_url)
            same_source = or_(same_source, named)
        statement = select(Summary).where(
            *visible(self.organization_id, summary.user_id),
            Summary.user_id == summary.user_id,
            Summary.status != Status.FAILED,
            _asked_for() == without_callback(summary.options),
            Summary.submitted_key.is_not(None),
            same_source,
        )
        newest = statement.order_by(Summary.created_at.desc()).limit(1)
        return await self._session.scalar(newest.with_for_update())

    async def call_also(self, equal: Summary, url: str) -> None:
        """`equal` is locked. Its version stays: what it shows does not change."""
        equal.also_call = [*equal.also_call, url]
        await self._session.flush()

    async def discard(self, summary_id: UUID, *, owner: UUID) -> bool:
        """With its texts, where it is not to be kept anyway: False where it is none of those."""
        gone = delete(Summary).where(
            Summary.organization_id == self.organization_id,
            Summary.id == summary_id,
            Summary.user_id == owner,
            Summary.ephemeral,
        )
        return await self._session.scalar(gone.returning(Summary.id)) is not None

    async def backlog(self) -> int:
        """The organisation's summaries that are not finished, trashed ones aside."""
        rows = (
            select(Summary.id)
            .where(Summary.organization_id == self.organization_id, UNFINISHED)
            .limit(BACKLOG_COUNTED)
            .subquery()
        )
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def change(self, summary_id: UUID, values: Mapping[str, Any]) -> Summary:  # Any: column values
        statement = (
            update(Summary)
            .where(Summary.organization_id == self.organization_id, Summary.id == summary_id)
            .values({**values, "version": Summary.version + 1, "updated_at": func.now()})
            .returning(Summary)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    def _visible(self, viewer: UUID) -> Select[Summary]:
        return select(Summary).where(*visible(self.organization_id, viewer))


def visible(
    organization_id: UUID | ColumnElement[UUID], viewer: UUID | ColumnElement[UUID]
) -> tuple[ColumnElement[bool], ...]:
    """What of this organisation somebody may read: their own, and what is shared with it.

    Without what is not to be kept (`store=false`): no list, count, export or search shows it.
    """
    return (
        Summary.organization_id == organization_id,
        kept(),
        Summary.ephemeral.is_(False),
        or_(Summary.visibility == Visibility.ORGANIZATION, Summary.user_id == viewer),
    )


def _asked_for() -> ColumnElement[Any]:  # Any: JSON
    """The options that a summary has, or is about to have."""
    options = func.coalesce(Summary.pending["options"], Summary.options, type_=JSONB)
    return options.op("-", return_type=JSONB())(cast(CALLBACK, Text))


def kept() -> ColumnElement[bool]:
    return Summary.deleted_at.is_(None)


def conditions(filters: Filters) -> list[SQLColumnExpression[bool]]:
    """What a list, its count and its export are narrowed by, for a statement that walks all anyway.

    The words are compared row by row: under row-level security their index cannot be used. What should not
    walk asks `app.summaries.search.repository`.
    """
    found = plain_conditions(filters)
    if filters.archived is not None:
        found.append(archived(yes=filters.archived))
    if filters.need_search:
        tenant, viewer = (
            cast(func.nullif(func.current_setting(f"app.{name}", True), ""), Uuid())
            for name in ("organization_id", "user_id")
        )
        # A sub-select: asked once a statement, not once a row.
        query = select(func.search_query(literal(filters.wanted(), JSONB), tenant, viewer)).scalar_subquery()
        found.append(literal_column("summaries.search", TSVECTOR).bool_op("@@")(query))
    return found


def plain_conditions(filters: Filters) -> list[SQLColumnExpression[bool]]:
    """Without the words, and without what the choice of an index says already (archived or not)."""
    found: list[SQLColumnExpression[bool]] = []
    if filters.status is not None:
        found.append(Summary.status == filters.status)
    if filters.visibility is not None:
        found.append(Summary.visibility == filters.visibility)
    if filters.favourite is not None:
        found.append(Summary.favourite if filters.favourite else ~Summary.favourite)
    if filters.created_after is not None:
        found.append(Summary.created_at >= filters.created_after)
    if filters.created_before is not None:
        found.append(Summary.created_at < filters.created_before)
    return found


def archived(*, yes: bool) -> ColumnElement[bool]:
    return Summary.archived_at.is_not(None) if yes else Summary.archived_at.is_(None)
