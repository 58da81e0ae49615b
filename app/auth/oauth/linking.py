"""Whose account an identity opens: one that is linked, one that may be joined unasked, or a new one."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import LoginFailedError
from app.auth.oauth.errors import OAuthAccountExistsError, OAuthEmailError, OAuthLinkUnverifiedError
from app.auth.oauth.identity import Identity
from app.auth.oauth.repository import OAuthAccountRepository
from app.auth.second_factor.repository import SecondFactorRepository
from app.core.db import TENANT_KEY, Tenant, bind_tenant
from app.core.principal import StaffRole
from app.organizations.repository import first_membership_of
from app.organizations.service import create_personal
from app.outbox.mails import Mail, queue_mail
from app.users.errors import UsernameTakenError
from app.users.models import User
from app.users.store import UserStore

# argon2id of production's parameters with a digest of zeros: nobody can find a password for it, and comparing
# one takes as long as with any other, so that a login does not tell who has none.
NO_PASSWORD = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
MIN_USERNAME, MAX_USERNAME = 3, 40


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the door, as the provider named by `provider` says, and from where."""

    provider: str
    identity: Identity
    address: str | None


class Linking:
    """In the caller's transaction, bound to the person's organisation once something was recorded."""

    def __init__(self, session: AsyncSession, visitor: Visitor) -> None:
        self._session = session
        self._visitor = visitor
        self._users = UserStore(session)
        self._accounts = OAuthAccountRepository(session)

    async def owner(self) -> User:
        """Locked until the transaction ends, so that a deactivation comes before, or ends the session.

        Raises LoginFailedError, OAuthEmailError, OAuthAccountExistsError, EmailTakenError.
        """
        account = await self._accounts.find(self._visitor.provider, self._visitor.identity)
        if account is not None:
            user = await self._lock(account.user_id)
            if await self._accounts.find(self._visitor.provider, self._visitor.identity) is None:
                raise LoginFailedError(internal="unlinked meanwhile")
            account.last_used_at = datetime.now(UTC)
            return user
        email = self._visitor.identity.email
        if email is None:
            raise OAuthEmailError
        user_id = await self._users.id_of(email)
        return await self._register(email) if user_id is None else await self._join(user_id)

    async def link(self, user_id: UUID) -> None:
        """At the person's wish. Raises LoginFailedError, OAuthLinkUnverifiedError, OAuthLinkTakenError."""
        account = await self._accounts.find(self._visitor.provider, self._visitor.identity)
        if account is not None and account.user_id == user_id:
            return
        user = await self._lock(user_id)
        if not user.is_verified:
            if self._visitor.identity.email != user.email:
                raise OAuthLinkUnverifiedError
            await self._users.update(user, {"is_verified": True})
            await self._record(user, AuditAction.EMAIL_VERIFIED)
        await self._add(user)

    async def _lock(self, user_id: UUID) -> User:
        user = await self._users.lock(user_id)
        if user is None or not user.is_active:
            await self._record_failure(user_id)
            raise LoginFailedError(internal="the linked account is not active")
        return user

    async def _record_failure(self, user_id: UUID) -> None:
        # In the platform's log, as every failed login: nobody was let into an organisation.
        event = AuditEvent(
            AuditAction.LOGIN_FAILURE,
            organization_id=None,
            actor_kind="anonymous",
            subject_id=user_id,
            address=self._visitor.address,
            details={"provider": self._visitor.provider, "reason": "inactive"},
        )
        await record(self._session, event)

    async def _join(self, user_id: UUID) -> User:
        """Both sides must have proved the address, or whoever registered it first would get a guest.

        A second factor and a staff role are not to be had by an address alone.
        """
        user = await self._lock(user_id)
        await bind_tenant(self._session, Tenant(user_id=user.id))
        factor = await SecondFactorRepository(self._session, user.id).get()
        guarded = user.role != StaffRole.USER or (factor is not None and factor.confirmed_at is not None)
        linked = {account.provider for account in await self._accounts.list_of(user.id)}
        if not user.is_verified or guarded or self._visitor.provider in linked:
            raise OAuthAccountExistsError
        await self._add(user)
        return user

    async def _register(self, email: str) -> User:
        identity = self._visitor.identity
        user = await self._create(email)
        await create_personal(self._session, owner_id=user.id, name=user.full_name or user.username)
        await self._accounts.add(self._visitor.provider, identity, user.id)
        await self._record(user, AuditAction.USER_REGISTERED)
        await queue_mail(self._session, Mail.WELCOME, user_id=user.id)
        return user

    async def _create(self, email: str) -> User:
        """Under the wished name, or that name with something unguessable behind it."""
        wished = username_from(self._visitor.identity.username or email.partition("@")[0])
        try:
            async with self._session.begin_nested():
                return await self._insert(wished, email)
        except UsernameTakenError:
            return await self._insert(f"{wished}-{secrets.token_hex(4)}", email)

    async def _insert(self, username: str, email: str) -> User:
        return await self._users.create(
            {
                "username": username,
                "email": email,
                "full_name": self._visitor.identity.name,
                "hashed_password": NO_PASSWORD,
                "is_verified": True,
            }
        )

    async def _add(self, user: User) -> None:
        await self._accounts.add(self._visitor.provider, self._visitor.identity, user.id)
        await self._record(user, AuditAction.PROVIDER_LINKED)
        await queue_mail(
            self._session, Mail.PROVIDER_LINKED, user_id=user.id, facts={"provider": self._visitor.provider}
        )

    async def _record(self, user: User, action: AuditAction) -> None:
        await record_of(self._session, user.id, action, visitor=self._visitor)


async def record_of(session: AsyncSession, user_id: UUID, action: AuditAction, *, visitor: Visitor) -> None:
    """In the log of the organisation that the session is bound to, or else of the person's first one."""
    bound: Tenant = session.info.get(TENANT_KEY) or Tenant()
    organization_id = bound.organization_id
    if organization_id is None:
        await bind_tenant(session, Tenant(user_id=user_id))
        membership = await first_membership_of(session, user_id)
        organization_id = membership.organization_id if membership else None
        await bind_tenant(session, Tenant(organization_id, user_id))
    event = AuditEvent(
        action,
        organization_id=organization_id,
        actor_kind="user",
        actor_id=user_id,
        subject_id=user_id,
        address=visitor.address,
        details={"provider": visitor.provider},
    )
    await record(session, event)


def username_from(wish: str) -> str:
    """What of it a user name may hold (app/accounts/schemas.py), with room for a suffix."""
    name = re.sub(r"[^a-z0-9_-]+", "-", wish.lower(), flags=re.ASCII).strip("-_")[:MAX_USERNAME]
    return name if len(name) >= MIN_USERNAME else f"user-{secrets.token_hex(4)}"
