"""The open invitations of one organisation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.core.pagination import Keyset, Pagination
from app.organizations.errors import InvitationExistsError
from app.organizations.invitations.models import OPEN, Invitation
from app.organizations.models import Organization
from app.users.models import User

NEWEST_FIRST = Keyset("invitations", (Invitation.created_at, Invitation.id))


@dataclass(frozen=True, slots=True)
class InvitationLetter:
    """What its mail says. `invited_by` is a user name; None when that account is gone."""

    email: str
    role: str
    organization: str
    invited_by: str | None


class InvitationRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def add(self, values: Mapping[str, object]) -> Invitation:
        """Raises InvitationExistsError: of two that invite the same address at once, one gets it."""
        row = {"id": new_id(), "organization_id": self._organization_id, **values}
        statement = (
            insert(Invitation)
            .values(row)
            .on_conflict_do_nothing(
                index_elements=[Invitation.organization_id, Invitation.email], index_where=OPEN
            )
        )
        invitation: Invitation | None = await self._session.scalar(statement.returning(Invitation))
        if invitation is None:
            raise InvitationExistsError
        return invitation

    async def page(self, pagination: Pagination) -> Sequence[Invitation]:
        return (await self._session.scalars(pagination.apply(select(Invitation).where(*self._open())))).all()

    async def lock(self, invitation_id: UUID) -> Invitation | None:
        """An open one, held until the transaction ends: of two that accept it, the second finds none."""
        query = select(Invitation).where(Invitation.id == invitation_id, *self._open()).with_for_update()
        return await self._session.scalar(query)

    async def letter(self, invitation_id: UUID) -> InvitationLetter | None:
        """None for one that is not open any more."""
        query = (
            select(Invitation.email, Invitation.role, Organization.name, User.username)
            .join(Organization, Organization.id == Invitation.organization_id)
            .outerjoin(User, User.id == Invitation.invited_by)
            .where(Invitation.id == invitation_id, *self._open())
        )
        row = (await self._session.execute(query)).one_or_none()
        return InvitationLetter(row.email, row.role, row.name, row.username) if row else None

    async def count(self) -> int:
        query = select(func.count()).select_from(Invitation).where(*self._open())
        return (await self._session.execute(query)).scalar_one()

    async def withdraw_expired(self, email: str, *, now: datetime) -> None:
        """So that the address can be invited again."""
        await self._session.execute(
            update(Invitation)
            .where(
                Invitation.organization_id == self._organization_id,
                Invitation.email == email,
                Invitation.accepted_at.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at <= now,
            )
            .values(withdrawn_at=now)
        )

    def _open(self) -> tuple[ColumnElement[bool], ...]:
        return (
            Invitation.organization_id == self._organization_id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > func.now(),
        )
