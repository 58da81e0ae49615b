"""Accounts that are to go: when, how far it has come, and what of theirs stands in others' organisations."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountErasure
from app.api_keys.models import ApiKey
from app.auth.models import AuthSession
from app.core.ids import new_id
from app.core.principal import MembershipRole, StaffRole
from app.organizations.invitations.models import Invitation
from app.organizations.models import Membership, Organization
from app.summaries.models import Summary
from app.summaries.vocabulary import Visibility
from app.users.models import User

# Brackets are in no user name: nobody registers as it.
NOBODY = "[erased]"
SENIORITY = (MembershipRole.ADMIN, MembershipRole.MEMBER, MembershipRole.VIEWER)


@dataclass(frozen=True, slots=True)
class DueErasure:
    receipt: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Departed:
    """What is needed once more after the account is gone."""

    username: str
    email: str


class ErasureRepository:
    """Across organisations: the transaction is bound to the person."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_user(self, user_id: UUID) -> User | None:
        query = select(User).where(User.id == user_id).with_for_update(key_share=True)
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def add(self, user_id: UUID, *, erase_after: datetime) -> AccountErasure:
        row = AccountErasure(user_id=user_id, erase_after=erase_after)
        self._session.add(row)
        await self._session.flush()
        return row

    async def cancel(self, user_id: UUID) -> bool:
        """False where it has begun."""
        own = AccountErasure.user_id == user_id
        await self._session.execute(delete(AccountErasure).where(own, AccountErasure.started_at.is_(None)))
        return await self._session.scalar(select(AccountErasure.id).where(own)) is None

    async def due(self, *, at_most: int) -> list[DueErasure]:
        """Those tried before come last: one that cannot be erased holds up nobody else."""
        query = (
            select(AccountErasure.id, AccountErasure.user_id)
            .where(AccountErasure.erase_after <= func.now(), AccountErasure.erased_at.is_(None))
            .where(AccountErasure.user_id.is_not(None))
            .order_by(AccountErasure.started_at.nulls_first(), AccountErasure.erase_after)
            .limit(at_most)
        )
        rows = await self._session.execute(query)
        return [DueErasure(row.id, row.user_id) for row in rows]

    async def begin(self, receipt: UUID) -> bool:
        """False where it was cancelled or finished since; it cannot be cancelled from here on."""
        begun = (
            update(AccountErasure)
            .where(AccountErasure.id == receipt, AccountErasure.erased_at.is_(None))
            .values(started_at=func.now())
            .returning(AccountErasure.id)
        )
        return await self._session.scalar(begun) is not None

    async def count(self, receipt: UUID, kind: str, *, erased: int) -> None:
        so_far = func.coalesce(AccountErasure.counts[kind].as_integer(), 0)
        counts = AccountErasure.counts.op("||")(func.jsonb_build_object(kind, so_far + erased, type_=JSONB))
        await self._session.execute(
            update(AccountErasure).where(AccountErasure.id == receipt).values(counts=counts)
        )

    async def finish(self, receipt: UUID) -> AccountErasure | None:
        """None where another worker has."""
        finished = (
            update(AccountErasure)
            .where(AccountErasure.id == receipt, AccountErasure.erased_at.is_(None))
            .values(erased_at=func.now())
            .returning(AccountErasure)
            .execution_options(populate_existing=True)
        )
        return await self._session.scalar(finished)

    async def places(self, user_id: UUID) -> list[UUID]:
        """Organisations that hold something of theirs, also those that they have left."""
        member = await self._session.scalars(
            select(Membership.organization_id).where(Membership.user_id == user_id)
        )
        authored = await self._session.scalars(select(func.my_authored_organizations(type_=Uuid())))
        return sorted({*member, *authored})

    async def owned(self, user_id: UUID) -> list[UUID]:
        """Without those that are deleted, which wait for their own end."""
        query = (
            select(Membership.organization_id)
            .join(Organization, Organization.id == Membership.organization_id)
            .where(Membership.user_id == user_id, Membership.role == MembershipRole.OWNER)
            .where(Organization.erase_after.is_(None))
        )
        return list(await self._session.scalars(query.order_by(Membership.organization_id)))

    async def count_credentials(self, due: DueErasure) -> None:
        """Once, as they go with memberships and organisations: what is counted already, stays."""
        owners = {"sessions": AuthSession.user_id, "api_keys": ApiKey.user_id}
        counts = func.jsonb_build_object(
            *(
                part
                for kind, owner in owners.items()
                for part in (kind, select(func.count()).where(owner == due.user_id).scalar_subquery())
            ),
            type_=JSONB,
        )
        counted = update(AccountErasure).where(AccountErasure.id == due.receipt)
        await self._session.execute(counted.values(counts=counts.op("||")(AccountErasure.counts)))

    async def delete_user(self, user_id: UUID) -> Departed | None:
        """With all that hangs on it: every foreign key to users cascades, which a test holds."""
        gone = delete(User).where(User.id == user_id).returning(User.username, User.email)
        row = (await self._session.execute(gone)).one_or_none()
        return Departed(row.username, row.email) if row else None

    async def nobody(self) -> UUID:
        """The author of what stays when its own is erased. No password fits, and it is not active."""
        digest = b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        salt = b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        values = {
            "id": new_id(),
            "username": NOBODY,
            "email": "erased@users.invalid",
            "hashed_password": f"$argon2id$v=19$m=19456,t=2,p=1${salt}${digest}",
            "role": StaffRole.USER,
            "is_active": False,
            "is_verified": False,
        }
        await self._session.execute(insert(User).values(values).on_conflict_do_nothing())
        return (await self._session.execute(select(User.id).where(User.username == NOBODY))).scalar_one()


class PlaceRepository:
    """What one person has in one organisation: the transaction is bound to both."""

    def __init__(self, session: AsyncSession, organization_id: UUID, user_id: UUID) -> None:
        self._session = session
        self.organization_id = organization_id
        self._user_id = user_id

    async def lock_owners(self) -> None:
        """Two owners who leave at once would each count on the other."""
        query = select(Membership.user_id).where(*self._members(), Membership.role == MembershipRole.OWNER)
        # Not against the foreign keys of sessions and keys that are made meanwhile: their makers hold the
        # person, whom we lock next.
        await self._session.execute(query.order_by(Membership.user_id).with_for_update(key_share=True))

    async def has_other_members(self) -> bool:
        return await self._session.scalar(select(self._others())) is True

    async def has_other_owner(self) -> bool:
        query = self._active_others().where(Membership.role == MembershipRole.OWNER).limit(1)
        return await self._session.scalar(query) is not None

    async def promote_successor(self) -> UUID | None:
        """The longest-standing of the highest role becomes owner; None where nobody can."""
        rank = case({role: rank for rank, role in enumerate(SENIORITY)}, value=Membership.role)
        query = (
            self._active_others()
            .where(Membership.role != MembershipRole.OWNER)
            .order_by(rank, Membership.created_at, Membership.user_id)
            .limit(1)
        )
        successor = await self._session.scalar(query.with_for_update(of=Membership))
        if successor is None:
            return None
        successor.role = MembershipRole.OWNER
        await self._session.flush()
        return successor.user_id

    async def delete_summaries(self, *, all_authors: bool, at_most: int) -> int:
        """Of everybody, or what this author kept private or threw away. 0: none is left."""
        doomed = or_(Summary.visibility == Visibility.PRIVATE, Summary.deleted_at.is_not(None))
        which = () if all_authors else (Summary.user_id == self._user_id, doomed)
        batch = self._summaries(*which, at_most=at_most)
        gone = await self._session.scalars(delete(Summary).where(Summary.id.in_(batch)).returning(Summary.id))
        return len(gone.all())

    async def reassign_summaries(self, author: UUID, *, at_most: int) -> int:
        """What the organisation reads stays, with nobody's name. 0: none is left."""
        batch = self._summaries(Summary.user_id == self._user_id, at_most=at_most)
        kept = update(Summary).where(Summary.id.in_(batch)).values(user_id=author)
        ids = await self._session.scalars(
            kept.returning(Summary.id).execution_options(synchronize_session=False)
        )
        return len(ids.all())

    async def delete_invitations(self) -> int:
        """Those that were sent to the person's own address."""
        address = select(User.email).where(User.id == self._user_id).scalar_subquery()
        own = Invitation.organization_id == self.organization_id, Invitation.email == address
        return len(
            (await self._session.scalars(delete(Invitation).where(*own).returning(Invitation.id))).all()
        )

    async def delete_membership(self) -> int:
        """With the sessions and keys that are bound to it: ended all, since the account was closed."""
        own = *self._members(), Membership.user_id == self._user_id
        gone = await self._session.scalars(delete(Membership).where(*own).returning(Membership.user_id))
        return len(gone.all())

    async def delete_organization(self) -> int:
        """With all that hangs on it; not where somebody has joined since."""
        gone = delete(Organization).where(Organization.id == self.organization_id, ~self._others())
        return len((await self._session.scalars(gone.returning(Organization.id))).all())

    def _active_others(self) -> Select[Membership]:
        return (
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(*self._members(), Membership.user_id != self._user_id, User.is_active)
        )

    def _members(self) -> Sequence[ColumnElement[bool]]:
        return (Membership.organization_id == self.organization_id,)

    def _others(self) -> ColumnElement[bool]:
        query = select(Membership.user_id).where(*self._members(), Membership.user_id != self._user_id)
        return query.exists()

    def _summaries(self, *which: ColumnElement[bool], at_most: int) -> Select[UUID]:
        return (
            select(Summary.id).where(Summary.organization_id == self.organization_id, *which).limit(at_most)
        )
