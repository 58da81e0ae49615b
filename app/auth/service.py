"""Login. Hashing takes 25 ms, so no connection is held meanwhile: two short transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.errors import EmailNotVerifiedError, LoginFailedError
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.auth.schemas import TokenPair
from app.auth.second_factor.login import SecondFactorLogin
from app.core.db import Database, Tenant, bind_tenant
from app.core.passwords import Passwords
from app.core.principal import Scope, StaffPolicy, StaffRole, allowed_scopes
from app.organizations.repository import OwnMembership, first_membership_of
from app.users.models import User
from app.users.store import UserStore

ABSOLUTE_LIFETIME = timedelta(days=30)
MAX_USER_AGENT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Credentials:
    """`scopes` empty means all that are allowed."""

    login: str
    password: str
    scopes: frozenset[str]
    totp: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login came from; shown to its owner. `cookie` is the device cookie that it presented.

    `remembered` False: no device cookie is set, because another site may have sent the request.
    """

    address: str | None
    user_agent: str | None
    cookie: str | None = None
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """An open session. `device_cookie` is to be set on the client; None: there is none to set."""

    tokens: TokenPair
    user_id: UUID
    username: str
    device_cookie: str | None


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    idle_lifetime: timedelta
    email_verification: Literal["optional", "required"]
    staff: StaffPolicy


class LoginService:
    def __init__(
        self,
        policy: LoginPolicy,
        *,
        database: Database,
        passwords: Passwords,
        issuer: TokenIssuer,
        second_factor: SecondFactorLogin,
    ) -> None:
        self._policy = policy
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._second_factor = second_factor

    async def log_in(self, credentials: Credentials, device: Device) -> Login:
        """Raises LoginFailedError, EmailNotVerifiedError, SecondFactorRequiredError."""
        user, replacement_hash = await self._verify(credentials)
        if self._policy.email_verification == "required" and not user.is_verified:
            raise EmailNotVerifiedError
        async with self._database.transaction(Tenant(user_id=user.id)) as session:
            second = await self._second_factor.prove(
                session, user.id, code=credentials.totp, address=device.address
            )
            await UserStore(session).record_login(user.id, replacement_hash=replacement_hash)
            return await self.open_session(
                session, user, scopes=credentials.scopes, device=device, amr=["pwd", *second]
            )

    async def open_session(
        self,
        session: AsyncSession,
        user: User,
        *,
        scopes: frozenset[str],
        device: Device,
        amr: Sequence[str],
    ) -> Login:
        """For a login that is proved, in the caller's transaction; `scopes` empty: all that are allowed."""
        await bind_tenant(session, Tenant(user_id=user.id))
        membership = await first_membership_of(session, user.id)
        if membership is None:
            raise LoginFailedError(internal="a user without any organisation")
        role = self._policy.staff.proved(StaffRole(user.role), amr)
        row = self._new_session(membership, user_id=user.id, role=role, asked=scopes)
        row.amr, row.authenticated_at = list(amr), datetime.now(UTC)
        row.ip, row.user_agent = device.address, (device.user_agent or "")[:MAX_USER_AGENT_CHARACTERS]
        await _store(session, row)
        tokens = self._issuer.pair(row, role=role)
        return Login(tokens, user.id, user.username, device_cookie=None)

    async def _verify(self, credentials: Credentials) -> tuple[User, str | None]:
        async with self._database.transaction() as session:
            user = await UserStore(session).get_by_login(credentials.login)
        verified = await self._passwords.verify(credentials.password, user.hashed_password if user else None)
        if user is None or not verified.ok or not user.is_active:
            raise LoginFailedError
        return user, verified.replacement_hash

    def _new_session(
        self, membership: OwnMembership, *, user_id: UUID, role: StaffRole, asked: frozenset[str]
    ) -> AuthSession:
        now = datetime.now(UTC)
        allowed = allowed_scopes(role, membership.role)
        return AuthSession(
            user_id=user_id,
            organization_id=membership.organization_id,
            counter=0,
            scopes=sorted(allowed & asked if asked else allowed),
            idle_expires_at=now + self._policy.idle_lifetime,
            absolute_expires_at=now + ABSOLUTE_LIFETIME,
        )


async def _store(session: AsyncSession, row: AuthSession) -> None:
    await bind_tenant(session, Tenant(row.organization_id, row.user_id))
    await SessionRepository(session, row.organization_id).add(row)


def known_scopes(asked: str) -> frozenset[str]:
    """What we know of a space-separated scope request; the rest is left out, as RFC 6749 3.3 allows."""
    return frozenset(asked.split()) & {str(scope) for scope in Scope}
