"""What all open streams of a process ask for at once, of all tenants (migration 0026)."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.summaries.announcing import COLUMNS, Progress, progress_of
from app.summaries.models import UNFINISHED, Summary
from app.summaries.repository import kept, visible

PROGRESS_OF = text("SELECT * FROM progress_of(CAST(:organizations AS uuid[]), CAST(:ids AS uuid[]))")
CHANGED = text(
    "SELECT * FROM changed_summaries(CAST(:organizations AS uuid[]),"
    " statement_timestamp() - CAST(:age AS interval), :at_most)"
)
LIVING = text("SELECT credential_id FROM living_credentials(CAST(:credentials AS uuid[]))")


async def progress_by_id(session: AsyncSession, keys: Sequence[tuple[UUID, UUID]]) -> list[Progress]:
    """By (organisation, summary); what does not exist is left out."""
    values = {"organizations": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    return [progress_of(row) for row in await session.execute(PROGRESS_OF, values)]


async def changed_of_late(
    session: AsyncSession, organizations: Collection[UUID], *, age: timedelta, at_most: int
) -> list[Progress]:
    """`at_most` of each organisation, the latest."""
    values = {"organizations": list(organizations), "age": age, "at_most": at_most}
    return [progress_of(row) for row in await session.execute(CHANGED, values)]


async def living_credentials(session: AsyncSession, credentials: Collection[UUID]) -> set[UUID]:
    """Those of these sessions and keys that a request would still be let in with."""
    return set((await session.scalars(LIVING, {"credentials": list(credentials)})).all())


async def visible_progress(
    session: AsyncSession, organization_id: UUID, *, viewer: UUID, ids: Collection[UUID]
) -> list[Progress]:
    """In a transaction of this tenant; also what is not to be kept, to its author."""
    own = and_(Summary.organization_id == organization_id, Summary.user_id == viewer, kept())
    seen = or_(and_(*visible(organization_id, viewer)), own)
    statement = select(*COLUMNS).where(Summary.id.in_(ids), seen)
    return [progress_of(row) for row in await session.execute(statement)]


async def unfinished_progress(
    session: AsyncSession, organization_id: UUID, *, viewer: UUID, at_most: int
) -> list[Progress]:
    """In a transaction of this tenant; the newest, in the order in which they were made."""
    statement = (
        select(*COLUMNS)
        .where(*visible(organization_id, viewer), UNFINISHED)
        .order_by(Summary.id.desc())
        .limit(at_most)
    )
    return [progress_of(row) for row in await session.execute(statement)][::-1]
