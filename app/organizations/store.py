"""The organisations of one person, across tenants: row-level security shows them their own memberships."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, Pagination
from app.core.principal import MembershipRole
from app.organizations.models import Membership, Organization

OLDEST_FIRST = Keyset("organizations", (Organization.created_at, Organization.id), descending=False)

OrganizationRow = Row[Any]  # Any: the columns of OrganizationOut


class OwnOrganizations:
    """The session must be bound to this person."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    async def page(self, pagination: Pagination, *, only: UUID | None) -> Sequence[OrganizationRow]:
        """`only`: of one organisation, for a credential that must not know of the others."""
        query = self._select()
        if only is not None:
            query = query.where(Organization.id == only)
        return (await self._session.execute(pagination.apply(query))).all()

    async def get(self, organization_id: UUID) -> OrganizationRow | None:
        query = self._select().where(Organization.id == organization_id)
        return (await self._session.execute(query)).one_or_none()

    async def personal(self) -> UUID | None:
        """Made with the account; None once it is erased."""
        query = (
            select(Organization.id)
            .join(Membership, Membership.organization_id == Organization.id)
            .where(Membership.user_id == self._user_id, Organization.is_personal)
        )
        return await self._session.scalar(query)

    async def lock_role(self, organization_id: UUID) -> MembershipRole | None:
        """As it is now, and stays until the transaction ends; None for an outsider."""
        query = (
            select(Membership.role)
            .where(Membership.organization_id == organization_id, Membership.user_id == self._user_id)
            .with_for_update()
        )
        role = await self._session.scalar(query)
        return MembershipRole(role) if role else None

    async def lock(self, organization_id: UUID) -> None:
        """Nobody changes it until the transaction ends; the session must be bound to it."""
        query = select(Organization.id).where(Organization.id == organization_id).with_for_update()
        await self._session.execute(query)

    async def count_owned(self) -> int:
        query = (
            select(func.count())
            .select_from(Membership)
            .where(Membership.user_id == self._user_id, Membership.role == MembershipRole.OWNER)
        )
        return (await self._session.execute(query)).scalar_one()

    def _select(self) -> Select[*tuple[Any, ...]]:  # Any: the columns of OrganizationOut
        return (
            select(
                Organization.id,
                Organization.name,
                Organization.is_personal,
                Organization.plan,
                Organization.created_at,
                Organization.support_access,
                Organization.suspended_at,
                Organization.erase_after,
                Membership.role,
            )
            .join(Membership, Membership.organization_id == Organization.id)
            .where(Membership.user_id == self._user_id)
        )


async def change_organization(session: AsyncSession, organization_id: UUID, **values: object) -> None:
    """The session must be bound to it."""
    await session.execute(update(Organization).where(Organization.id == organization_id).values(**values))


async def due_organizations(session: AsyncSession, *, limit: int) -> Sequence[UUID]:
    """Deleted ones whose grace period is over, of all tenants."""
    return (await session.execute(select(func.due_organizations(limit)))).scalars().all()


async def is_due(session: AsyncSession, organization_id: UUID, *, now: datetime) -> bool:
    """Held until the transaction ends, so that it is not restored meanwhile. The session is bound to it."""
    return await _lock_due(session, organization_id, now=now) is not None


async def erase_organization(session: AsyncSession, organization_id: UUID, *, now: datetime) -> bool:
    """With all that hangs on it. False where it was restored meanwhile. The session must be bound to it."""
    organization = await _lock_due(session, organization_id, now=now)
    if organization is None:
        return False
    await session.delete(organization)
    await session.flush()
    return True


async def _lock_due(session: AsyncSession, organization_id: UUID, *, now: datetime) -> Organization | None:
    query = select(Organization).where(Organization.id == organization_id, Organization.erase_after <= now)
    return await session.scalar(query.with_for_update())
