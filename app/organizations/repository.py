"""Organisations and memberships, as the transaction's tenant and user may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.principal import MembershipRole, Plan, StaffRole
from app.organizations.models import Membership, Organization
from app.users.models import User

StandingQuery = Select[bool, str, str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at this moment, in one organisation."""

    is_active: bool
    staff_role: StaffRole
    membership_role: MembershipRole
    plan: Plan


def select_standing(organization_id: UUID | BindParameter[UUID]) -> StandingQuery:
    """The columns of a `Standing`, from memberships: a credential's repository joins its own table to it."""
    return (
        select(User.is_active, User.role, Membership.role, Organization.plan)
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.organization_id == organization_id, *in_service())
    )


def in_service() -> tuple[ColumnElement[bool], ...]:
    """Neither suspended by staff nor deleted by its owner: otherwise its credentials are worth nothing."""
    return Organization.suspended_at.is_(None), Organization.erase_after.is_(None)


def read_standing(row: Sequence[Any]) -> Standing:  # Any: the four columns above, of a row or a part of one
    is_active, staff_role, membership_role, plan = row
    return Standing(
        is_active=is_active,
        staff_role=StaffRole(staff_role),
        membership_role=MembershipRole(membership_role),
        plan=Plan(plan),
    )


class OrganizationRepository:
    """Within one organisation."""

    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def add(self, *, name: str, is_personal: bool, owner_id: UUID) -> Organization:
        organization = Organization(id=self._organization_id, name=name, is_personal=is_personal)
        self._session.add(organization)
        await self._session.flush()
        self._session.add(
            Membership(organization_id=organization.id, user_id=owner_id, role=MembershipRole.OWNER)
        )
        await self._session.flush()
        return organization

    async def lock_plan(self) -> Plan | None:
        """Held until the transaction ends; None where the organisation is out of service."""
        query = select(Organization.plan).where(Organization.id == self._organization_id, *in_service())
        plan = await self._session.scalar(query.with_for_update())
        return Plan(plan) if plan else None

    async def add_member(self, user_id: UUID, *, role: MembershipRole) -> None:
        self._session.add(Membership(organization_id=self._organization_id, user_id=user_id, role=role))
        await self._session.flush()


@dataclass(frozen=True, slots=True)
class OwnMembership:
    organization_id: UUID
    role: MembershipRole


async def organizations_of(session: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """Also those out of service; the session must be bound to this user."""
    query = select(Membership.organization_id).where(Membership.user_id == user_id)
    return (await session.scalars(query.order_by(Membership.organization_id))).all()


async def first_membership_of(session: AsyncSession, user_id: UUID) -> OwnMembership | None:
    """The oldest one in service, which registration made; the session must be bound to this user."""
    query = (
        select(Membership.organization_id, Membership.role)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.user_id == user_id, *in_service())
        .order_by(Membership.created_at, Membership.organization_id)
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    return OwnMembership(row.organization_id, MembershipRole(row.role)) if row else None
