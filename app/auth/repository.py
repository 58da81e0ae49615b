"""Sessions of one organisation, and what a request must know of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Uuid,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate

from app.auth.models import AuthSession
from app.core.db import TENANT_KEY, Tenant
from app.core.principal import StaffRole
from app.core.refresh_tokens import RefreshClaim
from app.organizations.models import Membership, Organization
from app.organizations.repository import Standing, in_service, read_standing, select_standing
from app.users.models import User

BIND = text("""
SELECT organization_id, set_config('app.user_id', '', true),
    set_config('app.organization_id', coalesce(CAST(organization_id AS text), ''), true)
FROM session_organization(:session_id) AS organization_id
""").bindparams(bindparam("session_id", type_=Uuid()))
# What a LiveSession has of its row, beside what whoever asks knows.
FACTS = "user_id", "counter", "scopes", "amr", "authenticated_at"
IMPERSONATORS = (StaffRole.ADMIN, StaffRole.SUPER_ADMIN)


async def bind_session(session: AsyncSession, session_id: UUID) -> UUID | None:
    """The transaction belongs to that session's organisation from here on; None for an id that never was."""
    row = (await session.execute(BIND, {"session_id": session_id})).one()
    organization_id: UUID | None = row.organization_id
    session.info[TENANT_KEY] = Tenant(organization_id)
    return organization_id


@dataclass(frozen=True, slots=True)
class LiveLogin:
    """A session that may still be used: who its owner is by now, and how and when the login was proved."""

    user_id: UUID
    standing: Standing
    amr: tuple[str, ...]
    authenticated_at: datetime
    impersonator_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What a pair of tokens says of its session, and what its owner is by now."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    counter: int
    scopes: Sequence[str]
    amr: Sequence[str]
    authenticated_at: datetime | None
    standing: Standing


def live_session(row: AuthSession, standing: Standing) -> LiveSession:
    return LiveSession(
        row.id,
        row.organization_id,
        row.user_id,
        row.counter,
        row.scopes,
        row.amr,
        row.authenticated_at,
        standing,
    )


class SessionRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def add(self, auth_session: AuthSession) -> None:
        self._session.add(auth_session)
        await self._session.flush()

    async def rotate(
        self, claim: RefreshClaim, *, idle_lifetime: timedelta, idempotency_hash: bytes | None
    ) -> LiveSession | None:
        """Spends the token where it is the current one of a living session; else nothing is changed."""
        values = {
            "of_organization": self._organization_id,
            "of_session": claim.session_id,
            "spent": claim.counter,
            "idle_lifetime": idle_lifetime,
            "idempotency_hash": idempotency_hash,
        }
        row = (await self._session.execute(ROTATE, values)).one_or_none()
        if row is None:
            return None
        user_id, counter, scopes, amr, authenticated_at, *standing = row
        return LiveSession(
            claim.session_id,
            self._organization_id,
            user_id,
            counter,
            scopes,
            amr,
            authenticated_at,
            read_standing(standing),
        )

    async def narrow(self, session_id: UUID, scopes: Sequence[str]) -> None:
        statement = update(AuthSession).where(*self._own(session_id)).values(scopes=list(scopes))
        await self._session.execute(statement)

    async def lock(self, session_id: UUID) -> AuthSession | None:
        """The row, held until the transaction ends: concurrent refreshes wait here, one after the other."""
        query = select(AuthSession).where(*self._own(session_id)).with_for_update()
        return await self._session.scalar(query)

    async def standing_of(self, session_id: UUID) -> Standing | None:
        """None when the session has ended or expired, or the membership is gone."""
        login = await self.live_login(session_id)
        return login.standing if login else None

    async def standing_of_member(self, user_id: UUID) -> Standing | None:
        """None for somebody who is no member."""
        query = select_standing(self._organization_id).where(Membership.user_id == user_id)
        row = (await self._session.execute(query)).one_or_none()
        return read_standing(row) if row else None

    async def live_login(self, session_id: UUID) -> LiveLogin | None:
        """None when the session has ended or expired, or the membership is gone."""
        since = func.coalesce(AuthSession.authenticated_at, AuthSession.created_at)
        columns = AuthSession.user_id, AuthSession.amr, AuthSession.impersonator_id
        query = (
            select_standing(self._organization_id)
            .add_columns(*columns, since.label("authenticated_at"))
            .join(AuthSession, AuthSession.user_id == Membership.user_id)
            .where(or_(AuthSession.impersonator_id.is_(None), _may_impersonate()))
            .where(*self._own(session_id), AuthSession.revoked_at.is_(None))
            .where(AuthSession.absolute_expires_at > func.now())
        )
        row = (await self._session.execute(query)).one_or_none()
        if row is None:
            return None
        return LiveLogin(
            row.user_id, read_standing(row[:4]), tuple(row.amr), row.authenticated_at, row.impersonator_id
        )

    async def now(self) -> datetime:
        """The database's clock, read at this moment and not at the transaction's begin."""
        query = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self._session.execute(query)).scalar_one()

    def _own(self, session_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return AuthSession.organization_id == self._organization_id, AuthSession.id == session_id


def _may_impersonate() -> ColumnElement[bool]:
    """As long as they are staff who may, the person is none, and the organisation lets them."""
    staff = aliased(User)
    living = select(staff.id).where(
        staff.id == AuthSession.impersonator_id, staff.is_active, staff.role.in_(IMPERSONATORS)
    )
    return and_(Organization.support_access, User.role == StaffRole.USER, living.exists())


def _rotate(sessions: Table) -> ReturningUpdate[*tuple[Any, ...]]:  # Any: see LiveSession
    """In one statement, as what costs most is the way to PostgreSQL.

    First it locks: concurrent callers wait there, one after the other, and only then is the clock read, or
    who waited would be noted as older than those that came meanwhile.
    """
    own = (
        sessions.c.organization_id == bindparam("of_organization", type_=Uuid()),
        sessions.c.counter == bindparam("spent", type_=Integer()),
    )
    held = select(sessions.c.id).where(sessions.c.id == bindparam("of_session", type_=Uuid()), *own)
    held_row, now = held.with_for_update().cte("held"), func.clock_timestamp()
    idle_until = now + bindparam("idle_lifetime", type_=Interval())
    return (
        update(sessions)
        .where(sessions.c.id == held_row.c.id, *own, sessions.c.revoked_at.is_(None))
        # Support has no refresh token: one for its session was made by somebody else.
        .where(sessions.c.impersonator_id.is_(None))
        .where(func.least(sessions.c.idle_expires_at, sessions.c.absolute_expires_at) > now)
        .where(Membership.organization_id == sessions.c.organization_id)
        .where(Membership.user_id == sessions.c.user_id, User.id == sessions.c.user_id, User.is_active)
        .where(Organization.id == sessions.c.organization_id, *in_service())
        .values(
            counter=sessions.c.counter + 1,
            rotated_at=now,
            prev_idem_hash=bindparam("idempotency_hash", type_=LargeBinary()),
            idle_expires_at=func.least(idle_until, sessions.c.absolute_expires_at),
        )
        .returning(*(sessions.c[name] for name in FACTS))
        .returning(User.is_active, User.role, Membership.role, Organization.plan)
    )


# Built once: to build one costs as much as to ask it.
ROTATE = _rotate(AuthSession.metadata.tables[AuthSession.__tablename__])
