"""The members of one organisation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, Pagination
from app.core.principal import MembershipRole
from app.organizations.models import Membership
from app.users.models import User

OLDEST_FIRST = Keyset("members", (Membership.created_at, Membership.user_id), descending=False)

MemberRow = Row[Any]  # Any: the columns of MemberOut


class MemberRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def page(self, pagination: Pagination) -> Sequence[MemberRow]:
        return (await self._session.execute(pagination.apply(self._select()))).all()

    async def get(self, user_id: UUID) -> MemberRow | None:
        return (
            await self._session.execute(self._select().where(Membership.user_id == user_id))
        ).one_or_none()

    async def one(self, user_id: UUID) -> MemberRow:
        """Of somebody who is known to be a member, under the lock of `roles`."""
        return (await self._session.execute(self._select().where(Membership.user_id == user_id))).one()

    async def roles(self) -> dict[UUID, MembershipRole]:
        """Of everybody, held until the transaction ends.

        Two owners who demote each other at once wait here: the second one sees that it would be the last.
        """
        query = (
            select(Membership.user_id, Membership.role)
            .where(Membership.organization_id == self._organization_id)
            .order_by(Membership.user_id)
            # Not against the foreign keys of sessions and keys that are made meanwhile.
            .with_for_update(key_share=True)
        )
        rows = (await self._session.execute(query)).all()
        return {row.user_id: MembershipRole(row.role) for row in rows}

    async def active_owners(self) -> set[UUID]:
        """Asked after `roles` has the locks."""
        owners = self._active().where(Membership.role == MembershipRole.OWNER)
        return set(await self._session.scalars(owners))

    async def is_active(self, user_id: UUID) -> bool:
        return await self._session.scalar(self._active().where(Membership.user_id == user_id)) is not None

    async def count(self) -> int:
        query = (
            select(func.count())
            .select_from(Membership)
            .where(Membership.organization_id == self._organization_id)
        )
        return (await self._session.execute(query)).scalar_one()

    async def has_address(self, email: str) -> bool:
        query = select(self._select().where(User.email == email).exists())
        return bool(await self._session.scalar(query))

    async def set_role(self, user_id: UUID, role: MembershipRole) -> None:
        await self._session.execute(update(Membership).where(*self._own(user_id)).values(role=role))

    async def remove(self, user_id: UUID) -> None:
        """Its keys go with it by their foreign keys, and its sessions, which have been ended by then."""
        await self._session.execute(delete(Membership).where(*self._own(user_id)))

    def _active(self) -> Select[UUID]:
        return (
            select(Membership.user_id)
            .join(User, User.id == Membership.user_id)
            .where(Membership.organization_id == self._organization_id, User.is_active)
        )

    def _own(self, user_id: UUID) -> tuple[Any, ...]:  # Any: conditions
        return Membership.organization_id == self._organization_id, Membership.user_id == user_id

    def _select(self) -> Any:  # Any: a select of the columns of MemberOut
        return (
            select(
                Membership.user_id,
                Membership.role,
                Membership.created_at,
                User.username,
                User.full_name,
                User.email,
            )
            .join(User, User.id == Membership.user_id)
            .where(Membership.organization_id == self._organization_id)
        )
