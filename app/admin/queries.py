"""What staff read across tenants: people, organisations, the platform's own log, the queue."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, func, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountErasure
from app.accounts.repository import NOBODY
from app.admin.models import Job
from app.admin.vocabulary import JobStatus
from app.audit.models import AuditEntry
from app.audit.queries import AuditFilters
from app.auth.lockout.models import LoginTally
from app.auth.lockout.rules import HARD_STOP
from app.auth.models import AuthSession
from app.core.pagination import Keyset, PageOfRows, Pagination
from app.core.principal import Plan, StaffRole
from app.organizations.models import Membership, Organization
from app.users.models import User

# UUIDv7 and the queue's serial: the order of ids is the order of time.
NEWEST_PEOPLE = Keyset("staff people", (User.id,))
NEWEST_ORGANIZATIONS = Keyset("staff organizations", (Organization.id,))
NEWEST_JOBS = Keyset("staff jobs", (Job.id,))
ORGANIZATIONS = text("SELECT * FROM staff_organizations(:pattern, :plan, :suspended, :before, :at_most)")
PLATFORM_ENTRIES = text(
    "SELECT * FROM platform_audit_entries"
    "(:action, :actor_id, :subject_id, :since, :until, :behind, :oldest_first, :at_most)"
)
EVENTS = table("procrastinate_events", column("job_id"), column("at"))


@dataclass(frozen=True, slots=True)
class PeopleFilters:
    """None: not narrowed by this. `q` is how the user name or the address begins."""

    q: str | None = None
    role: StaffRole | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class OrganizationFilters:
    """As above; `q` is how the name begins."""

    q: str | None = None
    plan: Plan | None = None
    suspended: bool | None = None


@dataclass(frozen=True, slots=True)
class JobFilters:
    status: JobStatus | None = None
    task: str | None = None


class People:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, pagination: Pagination, filters: PeopleFilters) -> PageOfRows[User]:
        query = select(User).where(User.username != NOBODY)
        if filters.q is not None:
            begins = filters.q.lower()
            found = [column.startswith(begins, autoescape=True) for column in (User.username, User.email)]
            query = query.where(or_(*found))
        if filters.role is not None:
            query = query.where(User.role == filters.role)
        if filters.is_active is not None:
            query = query.where(User.is_active == filters.is_active)
        return pagination.page((await self._session.scalars(pagination.apply(query))).all())

    async def get(self, user_id: UUID) -> User | None:
        return await self._session.scalar(select(User).where(User.id == user_id, User.username != NOBODY))

    async def named(self, name: str) -> UUID | None:
        query = select(User.id).where(User.username == name.lower(), User.username != NOBODY)
        return await self._session.scalar(query)

    async def is_locked(self, user_id: UUID) -> bool:
        """For at least some clients."""
        locked = or_(LoginTally.locked_until > func.now(), LoginTally.total >= HARD_STOP)
        query = select(LoginTally.client).where(LoginTally.account_id == user_id, locked).limit(1)
        return await self._session.scalar(query) is not None

    async def erase_after(self, user_id: UUID) -> datetime | None:
        query = select(AccountErasure.erase_after).where(AccountErasure.user_id == user_id)
        return await self._session.scalar(query)

    async def memberships(self, user_id: UUID) -> Sequence[Row[UUID, str, str]]:
        """The session must be bound to this person."""
        query = (
            select(Organization.id.label("organization_id"), Organization.name, Membership.role)
            .join(Membership, Membership.organization_id == Organization.id)
            .where(Membership.user_id == user_id)
            .order_by(Membership.created_at, Organization.id)
            .limit(1000)
        )
        return (await self._session.execute(query)).all()

    async def count_sessions(self, user_id: UUID) -> int:
        """Living ones; the session must be bound to this person."""
        query = select(func.count()).where(
            AuthSession.user_id == user_id,
            AuthSession.revoked_at.is_(None),
            AuthSession.idle_expires_at > func.now(),
        )
        return (await self._session.execute(query)).scalar_one()

    async def impersonations(self, user_id: UUID, staff_id: UUID) -> Sequence[AuthSession]:
        """Living ones of this person by this one of the staff; the session must be bound to the person."""
        query = select(AuthSession).where(
            AuthSession.user_id == user_id,
            AuthSession.impersonator_id == staff_id,
            AuthSession.revoked_at.is_(None),
            AuthSession.absolute_expires_at > func.now(),
        )
        return (await self._session.scalars(query)).all()


async def page_of_organizations(
    session: AsyncSession, pagination: Pagination, filters: OrganizationFilters
) -> PageOfRows[Organization]:
    """By a function that looks across tenants, a page at a time."""
    position = pagination.position()
    parameters = {
        "pattern": _beginning_with(filters.q),
        "plan": filters.plan,
        "suspended": filters.suspended,
        "before": position[0] if position else None,
        "at_most": pagination.request.limit + 1,
    }
    found = await session.scalars(select(Organization).from_statement(ORGANIZATIONS), parameters)
    return pagination.page(found.all())


def _beginning_with(text: str | None) -> str | None:
    if text is None:
        return None
    plain = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{plain}%"


class PlatformLog:
    """The entries that belong to no organisation; as `AuditLog` for one that does."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, pagination: Pagination, filters: AuditFilters) -> PageOfRows[AuditEntry]:
        position = pagination.position()
        behind = position[0] if position else None
        limit = pagination.request.limit + 1
        return pagination.page(await self._read(filters, behind=behind, oldest_first=False, at_most=limit))

    async def behind(self, last: UUID | None, filters: AuditFilters, *, limit: int) -> Sequence[AuditEntry]:
        """Oldest first, from `last` on: one step of an export."""
        return await self._read(filters, behind=last, oldest_first=True, at_most=limit)

    async def _read(self, filters: AuditFilters, **place: object) -> Sequence[AuditEntry]:
        query = select(AuditEntry).from_statement(PLATFORM_ENTRIES)
        return (await self._session.scalars(query, {**asdict(filters), **place})).all()


class Jobs:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self, pagination: Pagination, filters: JobFilters
    ) -> PageOfRows[Row[Any]]:  # Any: JobOut's
        query = self._select()
        if filters.status is not None:
            query = query.where(Job.status == filters.status)
        if filters.task is not None:
            query = query.where(Job.task_name == filters.task)
        return pagination.page((await self._session.execute(pagination.apply(query))).all())

    async def get(self, job_id: int) -> Row[Any] | None:  # Any: JobOut's columns
        return (await self._session.execute(self._select().where(Job.id == job_id))).one_or_none()

    def _select(self) -> Any:  # Any: the columns of JobOut
        events = select(func.min(EVENTS.c.at)).where(EVENTS.c.job_id == Job.id).scalar_subquery()
        latest = select(func.max(EVENTS.c.at)).where(EVENTS.c.job_id == Job.id).scalar_subquery()
        return select(
            Job.id,
            Job.task_name.label("task"),
            Job.queue_name.label("queue"),
            Job.status,
            Job.attempts,
            Job.scheduled_at,
            Job.args,
            events.label("created_at"),
            latest.label("changed_at"),
        )
