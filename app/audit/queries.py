"""Reading one organisation's audit log."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.audit.models import AuditEntry
from app.core.pagination import Keyset, PageOfRows, Pagination

# UUIDv7: the order of ids is the order of time, and the tenant's index ends with it.
NEWEST_FIRST = Keyset("audit log", (AuditEntry.id,))


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """None: not narrowed by this. `since` inclusive, `until` exclusive."""

    action: AuditAction | None = None
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_scope(self) -> dict[str, object]:
        return asdict(self)

    def conditions(self) -> list[ColumnElement[bool]]:
        equal = {
            AuditEntry.action: self.action,
            AuditEntry.actor_id: self.actor_id,
            AuditEntry.subject_id: self.subject_id,
        }
        found = [column == value for column, value in equal.items() if value is not None]
        if self.since is not None:
            found.append(AuditEntry.created_at >= self.since)
        if self.until is not None:
            found.append(AuditEntry.created_at < self.until)
        return found


class AuditLog:
    """The session must be bound to this organisation."""

    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def page(self, pagination: Pagination, filters: AuditFilters) -> PageOfRows[AuditEntry]:
        query = pagination.apply(select(AuditEntry).where(*self._where(filters)))
        return pagination.page((await self._session.scalars(query)).all())

    async def tells_of(self, action: AuditAction, *, subject_id: UUID) -> bool:
        """Whether this ever happened to this person."""
        filters = AuditFilters(action=action, subject_id=subject_id)
        query = select(AuditEntry.id).where(*self._where(filters)).limit(1)
        return await self._session.scalar(query) is not None

    async def behind(self, last: UUID | None, filters: AuditFilters, *, limit: int) -> Sequence[AuditEntry]:
        """Oldest first, from `last` on: one step of an export."""
        query = select(AuditEntry).where(*self._where(filters)).order_by(AuditEntry.id).limit(limit)
        if last is not None:
            query = query.where(AuditEntry.id > last)
        return (await self._session.scalars(query)).all()

    def _where(self, filters: AuditFilters) -> list[ColumnElement[bool]]:
        return [AuditEntry.organization_id == self._organization_id, *filters.conditions()]
