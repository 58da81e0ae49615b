"""Lets in whom a provider vouches for; asks for the second factor first, where the account has one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import EmailNotVerifiedError, LoginFailedError
from app.auth.oauth.errors import OAuthStateError
from app.auth.oauth.linking import Linking, Visitor
from app.auth.oauth.repository import spend
from app.auth.oauth.state import Attempt, LinkingSession, Mode, StateCodec
from app.auth.repository import SessionRepository
from app.auth.second_factor.errors import SecondFactorRequiredError
from app.auth.second_factor.login import SecondFactorLogin
from app.auth.service import Device, Login, LoginService
from app.core.db import Database, Tenant, bind_tenant
from app.users.models import User
from app.users.store import UserStore

# RFC 8176 has no name for it; "fed" is what others use for a login that somebody else proved.
FEDERATED = "fed"
# Of a proof whose time is unknown: older than whatever takes a recent login accepts.
LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    login: Login
    mode: Mode


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The provider's part is done; `ticket`, a cookie, is to come back with a code of the second factor."""

    ticket: str


@dataclass(frozen=True, slots=True)
class AdmissionParts:
    database: Database
    states: StateCodec
    logins: LoginService
    second_factor: SecondFactorLogin
    email_verification: Literal["optional", "required"]


class Admission:
    def __init__(self, parts: AdmissionParts) -> None:
        self._parts = parts

    async def spend(self, attempt: Attempt) -> None:
        """In its own transaction: whatever becomes of the attempt, it is over. Raises OAuthStateError."""
        async with self._parts.database.transaction() as session:
            await _spend(session, attempt)

    async def enter(self, visitor: Visitor, mode: Mode, *, device: Device) -> LoggedIn | CodeNeeded:
        """Raises what Linking.owner raises, and EmailNotVerifiedError."""
        async with self._parts.database.transaction() as session:
            user = await Linking(session, visitor).owner()
            proved_at = visitor.identity.proved_at or LONG_AGO
            try:
                login = await self._open(session, user, code=None, device=device, proved_at=proved_at)
            except SecondFactorRequiredError:
                begun = self._parts.states.begin(visitor.provider, mode, proved=user.id)
                return CodeNeeded(f"{begun.state}.{begun.browser}")
        return LoggedIn(login, mode)

    async def enter_with_code(
        self, attempt: Attempt, user_id: UUID, *, code: str, device: Device
    ) -> LoggedIn:
        """A wrong code leaves the ticket as it is: tries are counted with the account.

        Raises LoginFailedError, OAuthStateError, EmailNotVerifiedError.
        """
        async with self._parts.database.transaction() as session:
            user = await UserStore(session).lock(user_id)
            if user is None or not user.is_active:
                raise LoginFailedError(internal="no longer active")
            try:
                login = await self._open(session, user, code=code, device=device, proved_at=LONG_AGO)
            except LoginFailedError:
                await _record_wrong_code(session, attempt, user_id, device=device)
                raise
            await _spend(session, attempt)
        return LoggedIn(login, attempt.mode)

    async def link(self, own: LinkingSession, visitor: Visitor) -> None:
        """Raises OAuthStateError where the session has ended, and what Linking.link raises."""
        tenant = Tenant(own.organization_id, own.user_id)
        async with self._parts.database.transaction(tenant) as session:
            living = await SessionRepository(session, own.organization_id).live_login(own.session_id)
            if living is None or living.user_id != own.user_id:
                raise OAuthStateError(internal="the session that began the linking has ended")
            await Linking(session, visitor).link(own.user_id)

    async def _open(
        self, session: AsyncSession, user: User, *, code: str | None, device: Device, proved_at: datetime
    ) -> Login:
        if self._parts.email_verification == "required" and not user.is_verified:
            raise EmailNotVerifiedError
        await bind_tenant(session, Tenant(user_id=user.id))
        proved = await self._parts.second_factor.prove(session, user.id, code=code, address=device.address)
        if proved:
            # Whoever sits at the provider's open session, a code has just shown who it is.
            proved_at = datetime.now(UTC)
        return await self._parts.logins.open_session(
            session,
            user,
            scopes=frozenset(),
            device=device,
            amr=[FEDERATED, *proved],
            proved_at=proved_at,
        )


async def _spend(session: AsyncSession, attempt: Attempt) -> None:
    if not await spend(session, attempt):
        raise OAuthStateError(internal="state or ticket refused: used before")


async def _record_wrong_code(
    session: AsyncSession, attempt: Attempt, user_id: UUID, *, device: Device
) -> None:
    event = AuditEvent(
        AuditAction.LOGIN_FAILURE,
        organization_id=None,
        actor_kind="anonymous",
        subject_id=user_id,
        address=device.address,
        details={"provider": attempt.provider, "reason": "second_factor"},
    )
    await record(session, event)
