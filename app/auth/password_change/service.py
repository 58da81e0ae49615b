"""Changing my password: with the current one, and at the price of every session, this one too.

Hashing takes 25 ms, twice, so no connection is held meanwhile: two short transactions.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.password_change.errors import WrongPasswordError
from app.auth.password_change.schemas import PasswordChangeIn
from app.auth.sessions import end_all_sessions
from app.core.db import Database, Tenant
from app.core.password_policy import check_policy
from app.core.passwords import Passwords
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache
from app.outbox.mails import Mail, queue_mail
from app.settings import PasswordPolicy
from app.users.models import User
from app.users.store import UserStore


@dataclass(frozen=True, slots=True)
class ChangeParts:
    """What it is made of."""

    database: Database
    passwords: Passwords
    policy: PasswordPolicy
    cache: PrincipalCache


class PasswordChange:
    def __init__(self, parts: ChangeParts, principal: Principal, *, address: str | None) -> None:
        self._parts = parts
        self._principal = principal
        self._address = address

    async def change(self, wanted: PasswordChangeIn) -> None:
        """Raises WeakPasswordError, WrongPasswordError (the attempt is kept), UnavailableError."""
        user = await self._read()
        policy, names = self._parts.policy, (user.username, user.email)
        check_policy(
            wanted.new_password, username=names[0], email=names[1], policy=policy, pointer="/new_password"
        )
        verified = await self._parts.passwords.verify(wanted.current_password, user.hashed_password)
        if not verified.ok:
            await self._refuse()
        hashed = await self._parts.passwords.hash(wanted.new_password)
        async with self._parts.database.transaction(self._tenant) as session:
            # Held from here: whoever logs in with the old one comes before, and is ended, or is refused.
            locked = await UserStore(session).lock(user.id)
            if locked is None or locked.hashed_password != user.hashed_password:
                raise WrongPasswordError(internal="it was changed meanwhile")
            await self._store(session, locked, hashed)

    @property
    def _tenant(self) -> Tenant:
        return Tenant(self._principal.organization_id, self._principal.user_id)

    async def _read(self) -> User:
        async with self._parts.database.transaction(self._tenant) as session:
            user = await UserStore(session).get(self._principal.user_id)
        if user is None:
            raise WrongPasswordError(internal="the account is gone")
        return user

    async def _store(self, session: AsyncSession, user: User, hashed: str) -> None:
        await UserStore(session).update(user, {"hashed_password": hashed})
        ended = await end_all_sessions(session, user.id, reason="password_changed", cache=self._parts.cache)
        await record(session, self._event(AuditAction.PASSWORD_CHANGED, user.id, sessions=len(ended)))
        await queue_mail(session, Mail.PASSWORD_CHANGED, user_id=user.id)

    async def _refuse(self) -> None:
        async with self._parts.database.transaction(self._tenant) as session:
            await record(session, self._event(AuditAction.LOGIN_FAILURE, self._principal.user_id, sessions=0))
            raise WrongPasswordError

    def _event(self, action: AuditAction, user_id: UUID, *, sessions: int) -> AuditEvent:
        return AuditEvent(
            action,
            organization_id=self._principal.organization_id,
            actor_kind="user",
            actor_id=user_id,
            credential_id=self._principal.credential_id,
            subject_id=user_id,
            address=self._address,
            details={"where": "change_password", "sessions": sessions},
        )
