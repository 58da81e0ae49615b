"""Who reads an address proves it with the token of a mail: to confirm it, or to choose a new password.

A request for such a mail does the same, and answers the same, whether anybody has that address: one look into
the index, one job. Whether a mail goes out is found by the worker.
"""

from uuid import UUID

from fastapi_users.exceptions import InvalidResetPasswordToken, InvalidVerifyToken, UserAlreadyVerified
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import InvalidMailTokenError
from app.accounts.takeover import take_over
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.lockout.service import unlock
from app.auth.sessions import end_all_sessions
from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.core.principal_cache import PrincipalCache
from app.organizations.repository import first_membership_of
from app.outbox.mails import Mail, queue_mail
from app.users.manager import UserManager
from app.users.models import User


class RecoveryService:
    """`address` is the client's, for the audit log."""

    def __init__(
        self, session: AsyncSession, manager: UserManager, *, cache: PrincipalCache, address: str | None
    ) -> None:
        self._session = session
        self._manager = manager
        self._cache = cache
        self._address = address

    async def request(self, mail: Mail, email: str) -> None:
        user_id = await self._manager.store.id_of(email)
        await queue_mail(self._session, mail, user_id=user_id or new_id())

    async def verify(self, token: str) -> None:
        """Raises InvalidMailTokenError: once only, and for the address that the mail went to."""
        try:
            user = await self._manager.verify(token)
        except (InvalidVerifyToken, UserAlreadyVerified) as error:
            raise InvalidMailTokenError from error
        if not user.is_active:
            raise InvalidMailTokenError
        await self._record(user, AuditAction.EMAIL_VERIFIED)

    async def reset_password(self, token: str, new_password: str) -> None:
        """Raises InvalidMailTokenError, WeakPasswordError. Whoever was logged in, is so no more."""
        try:
            user = await self._manager.reset_password(token, new_password)
        except InvalidResetPasswordToken as error:
            raise InvalidMailTokenError from error
        await self._record(user, AuditAction.PASSWORD_RESET)
        await end_all_sessions(self._session, user.id, reason="password_reset", cache=self._cache)
        await unlock(self._session, user.id)
        if not user.is_verified:
            await self._take_over(user)
        await queue_mail(self._session, Mail.PASSWORD_CHANGED, user_id=user.id, facts=self._facts())

    async def _take_over(self, user: User) -> None:
        """Until now anybody may have registered with this address."""
        await take_over(self._session, user, cache=self._cache)
        await self._manager.store.update(user, {"is_verified": True})
        await self._record(user, AuditAction.EMAIL_VERIFIED)

    async def _record(self, user: User, action: AuditAction) -> None:
        """In the log of the person's first organisation, to which the session is bound from here on."""
        organization_id = await self._bind(user.id)
        event = AuditEvent(
            action,
            organization_id=organization_id,
            actor_kind="user",
            actor_id=user.id,
            subject_id=user.id,
            address=self._address,
        )
        await record(self._session, event)

    async def _bind(self, user_id: UUID) -> UUID | None:
        await bind_tenant(self._session, Tenant(user_id=user_id))
        membership = await first_membership_of(self._session, user_id)
        organization_id = membership.organization_id if membership else None
        await bind_tenant(self._session, Tenant(organization_id, user_id))
        return organization_id

    def _facts(self) -> dict[str, str | int]:
        return {"from_address": self._address} if self._address else {}
