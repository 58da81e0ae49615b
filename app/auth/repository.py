"""Sessions of one organisation, and what a request must know of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
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

from app.audit.events import AuditAction
from app.audit.service import count_entry
from app.auth.models import AuthSession
from app.core.db import TENANT_KEY, Database, Tenant
from app.core.group_commit import lock_patience
from app.core.principal import StaffRole
from app.core.refresh_tokens import RefreshClaim
from app.core.tenant_reads import under_tenant
from app.organizations.models import Membership, Organization
from app.organizations.repository import Standing, read_standing, select_standing
from app.users.models import User

BIND = text("""
SELECT organization_id, set_config('app.user_id', '', true),
    set_config('app.organization_id', coalesce(CAST(organization_id AS text), ''), true)
FROM session_organization(:session_id) AS organization_id
""").bindparams(bindparam("session_id", type_=Uuid()))
ROTATE = text("""
SELECT place, organization_id, user_id, counter, scopes, amr, authenticated_at,
    is_active, staff_role, membership_role, plan
FROM rotate_sessions(
    CAST(:sessions AS uuid[]), CAST(:spent AS integer[]), :idle_lifetime, CAST(:hashes AS bytea[]),
    CAST(:entries AS uuid[]), CAST(:addresses AS inet[]), CAST(:requests AS text[]), :patience)
""")
IMPERSONATORS = (StaffRole.ADMIN, StaffRole.SUPER_ADMIN)


async def bind_session(session: AsyncSession, session_id: UUID) -> UUID | None:
    """The transaction belongs to that session's organisation from here on; None for an id that never was."""
    row = (await session.execute(BIND, {"session_id": session_id})).one()
    organization_id: UUID | None = row.organization_id
    session.info[TENANT_KEY] = Tenant(organization_id)
    return organization_id


def _may_impersonate() -> ColumnElement[bool]:
    """As long as they are staff who may, the person is none, and the organisation lets them."""
    staff = aliased(User)
    # Not IN, which is of another text with each number of its values.
    may = or_(*(staff.role == role for role in IMPERSONATORS))
    living = select(staff.id).where(staff.id == AuthSession.impersonator_id, staff.is_active, may)
    return and_(Organization.support_access, User.role == StaffRole.USER, living.exists())


def _select_login() -> Select[*tuple[Any, ...]]:  # Any: its columns
    """Of a session that has neither ended nor expired, with its owner's membership."""
    since = func.coalesce(AuthSession.authenticated_at, AuthSession.created_at)
    columns = AuthSession.user_id, AuthSession.amr, AuthSession.impersonator_id
    return (
        select_standing(bindparam("organization_id", type_=Uuid()))
        .add_columns(*columns, since.label("authenticated_at"))
        .join(AuthSession, AuthSession.user_id == Membership.user_id)
        .where(or_(AuthSession.impersonator_id.is_(None), _may_impersonate()))
        .where(AuthSession.organization_id == bindparam("organization_id", type_=Uuid()))
        .where(AuthSession.id == bindparam("session_id", type_=Uuid()), AuthSession.revoked_at.is_(None))
        .where(AuthSession.absolute_expires_at > func.now())
    )


# Built once: every credential is asked for anew each second, and building it cost as much as asking.
LOGIN = _select_login()
LOGIN_ALONE = under_tenant(LOGIN)


@dataclass(frozen=True, slots=True)
class LiveLogin:
    """A session that may still be used: who its owner is by now, and how and when the login was proved."""

    user_id: UUID
    standing: Standing
    amr: tuple[str, ...]
    authenticated_at: datetime
    impersonator_id: UUID | None = None


async def find_login(database: Database, tenant: Tenant, session_id: UUID) -> LiveLogin | None:
    """As `SessionRepository.live_login`, in a transaction of its own."""
    values = {"organization_id": tenant.organization_id, "session_id": session_id}
    return _read_login(await database.read(tenant, LOGIN_ALONE, values))


def _read_login(rows: Sequence[Any]) -> LiveLogin | None:  # Any: one row of LOGIN, or none
    for *standing, user_id, amr, impersonator_id, authenticated_at in rows:
        return LiveLogin(user_id, read_standing(standing), tuple(amr), authenticated_at, impersonator_id)
    return None


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


@dataclass(frozen=True, slots=True)
class Spending:
    """The token, the key that its client would try again with, and what `beside` says of it."""

    claim: RefreshClaim
    idempotency_hash: bytes | None
    noted: Mapping[str, object]


async def rotate_sessions(
    database: Database, spendings: Sequence[Spending], *, idle_lifetime: timedelta
) -> Sequence[LiveSession | None]:
    """Spends the current tokens of living sessions, each in its place, in a transaction of their own.

    None, and nothing is changed, where one is not its session's current token.
    """
    values = {
        "sessions": [each.claim.session_id for each in spendings],
        "spent": [each.claim.counter for each in spendings],
        "idle_lifetime": idle_lifetime,
        "hashes": [each.idempotency_hash for each in spendings],
        "entries": [each.noted["entry_id"] for each in spendings],
        "addresses": [each.noted["address"] for each in spendings],
        "requests": [each.noted["request_id"] for each in spendings],
        "patience": lock_patience(spendings),
    }
    rotated: list[LiveSession | None] = [None] * len(spendings)
    for place, *row in await database.alone(ROTATE, values):
        count_entry(AuditAction.TOKEN_REFRESH)
        rotated[place - 1] = _read_rotated(spendings[place - 1].claim.session_id, row)
    return rotated


def _read_rotated(session_id: UUID, row: Sequence[Any]) -> LiveSession:  # Any: column values
    organization_id, user_id, counter, scopes, amr, authenticated_at, *standing = row
    return LiveSession(
        session_id,
        organization_id,
        user_id,
        counter,
        scopes,
        amr,
        authenticated_at,
        read_standing(standing),
    )


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
        values = {"organization_id": self._organization_id, "session_id": session_id}
        return _read_login((await self._session.execute(LOGIN, values)).all())

    async def now(self) -> datetime:
        """The database's clock, read at this moment and not at the transaction's begin."""
        query = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self._session.execute(query)).scalar_one()

    def _own(self, session_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return AuthSession.organization_id == self._organization_id, AuthSession.id == session_id
