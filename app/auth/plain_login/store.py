"""The two statements of a login that nothing speaks against: who is named, and the session's opening."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB

from app.audit.events import AuditAction
from app.audit.service import beside, count_entry
from app.auth.repository import LiveSession
from app.core.db import Database
from app.core.principal import MembershipRole, Plan, StaffRole
from app.organizations.repository import Standing
from app.users.models import User

_TYPES: Mapping[str, Any] = {  # Any: a column type, or its class
    "proved": Boolean(),
    "account_id": Uuid(),
    "compared": Text(),
    "staff_role": Text(),
    "must_be_verified": Boolean(),
    "clients": ARRAY(Text()),
    "session_id": Uuid(),
    "device_id": Uuid(),
    "scopes": JSONB(),
    "since": DateTime(timezone=True),
    "idle_until": DateTime(timezone=True),
    "ends": DateTime(timezone=True),
    "address": INET(),
    "user_agent": Text(),
    "entry_id": Uuid(),
    "request_id": Text(),
}
_PARAMETERS = ", ".join(f":{name}" for name in _TYPES)
OPEN = text(
    f"SELECT organization_id, membership_role, plan, scopes FROM open_plain_session({_PARAMETERS})"  # noqa: S608  # our own names
).bindparams(*(bindparam(name, type_=kind) for name, kind in _TYPES.items()))
# Built once; by user name, or by e-mail address.
_ACCOUNT = select(User.id, User.username, User.hashed_password, User.role)
BY_USERNAME, BY_EMAIL = (
    _ACCOUNT.where(column == bindparam("login")) for column in (User.username, User.email)
)


@dataclass(frozen=True, slots=True)
class Account:
    """As it was when its password was compared."""

    id: UUID
    username: str
    hashed_password: str
    staff_role: StaffRole


@dataclass(frozen=True, slots=True)
class Opening:
    """The session as it is to be, should nothing speak against it.

    `compared` is the hash that the password was held against, and `proved` whether it was right; `clients`
    are the tallies that must be empty; `scopes` are those of each membership role.
    """

    proved: bool
    account_id: UUID
    compared: str
    staff_role: StaffRole
    must_be_verified: bool
    clients: Sequence[str]
    session_id: UUID
    device_id: UUID
    scopes: Mapping[MembershipRole, Sequence[str]]
    since: datetime
    idle_until: datetime
    ends: datetime
    address: str | None
    user_agent: str


async def find_account(database: Database, login: str) -> Account | None:
    """By user name or e-mail address, whatever its case; a user name holds no @."""
    statement = BY_EMAIL if "@" in login else BY_USERNAME
    rows = await database.alone(statement, {"login": login.lower()})
    if not rows:
        return None
    account_id, username, hashed_password, role = rows[0]
    return Account(account_id, username, hashed_password, StaffRole(role))


async def open_session(database: Database, opening: Opening) -> LiveSession | None:
    """In a transaction of its own; None, and nothing is changed, where anything speaks against it."""
    told = {name: getattr(opening, name) for name in Opening.__dataclass_fields__}
    values = {**told, **beside(address=opening.address)}
    rows = await database.alone(OPEN, values)
    if not rows:
        return None
    count_entry(AuditAction.LOGIN_SUCCESS)
    organization_id, membership_role, plan, scopes = rows[0]
    return LiveSession(
        opening.session_id,
        organization_id,
        opening.account_id,
        counter=0,
        scopes=scopes,
        amr=("pwd",),
        authenticated_at=opening.since,
        standing=Standing(
            is_active=True,
            staff_role=opening.staff_role,
            membership_role=MembershipRole(membership_role),
            plan=Plan(plan),
        ),
    )
