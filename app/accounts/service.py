"""The life of an account: registered with an organisation of its own, changed by its owner."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountGoneError
from app.accounts.schemas import ProfileChange, Registration
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.sessions import demand_living
from app.core.conditional import Precondition
from app.core.db import Tenant, bind_tenant
from app.core.principal import Principal
from app.organizations.service import create_personal
from app.organizations.store import OwnOrganizations
from app.outbox.mails import RECIPIENT, Mail, queue_mail
from app.users.manager import UserManager
from app.users.models import User


class AccountService:
    def __init__(self, session: AsyncSession, manager: UserManager) -> None:
        self._session = session
        self._manager = manager

    async def register(self, registration: Registration, *, address: str | None) -> User:
        """As `create`; one mail welcomes the person and has them confirm their address."""
        user, organization_id = await self._create(registration)
        event = AuditEvent(
            AuditAction.USER_REGISTERED,
            organization_id=organization_id,
            actor_kind="user",
            actor_id=user.id,
            subject_id=user.id,
            address=address,
        )
        await record(self._session, event)
        await queue_mail(self._session, Mail.WELCOME, user_id=user.id)
        return user

    async def create(self, registration: Registration) -> User:
        """Person, organisation and membership together or not at all.

        Raises WeakPasswordError, UsernameTakenError, EmailTakenError.
        """
        user, _ = await self._create(registration)
        return user

    async def _create(self, registration: Registration) -> tuple[User, UUID]:
        user = await self._manager.create(registration)
        organization = await create_personal(
            self._session, owner_id=user.id, name=user.full_name or user.username
        )
        return user, organization.id

    async def get(self, user_id: UUID) -> User:
        user = await self._manager.user_db.get(user_id)
        if user is None:
            raise AccountGoneError
        return user

    async def hold(self, principal: Principal) -> User:
        """As the account is now, until the transaction ends, and only for a session that lives.

        Raises AccountGoneError, InvalidCredentialError: a token is believed for a second after its session's
        end, in which a thief must not take the account over.
        """
        user = await self._manager.store.lock(principal.user_id)
        if user is None or not user.is_active:
            raise AccountGoneError
        await demand_living(self._session, principal)
        return user

    async def change(
        self,
        principal: Principal,
        change: ProfileChange,
        *,
        address: str | None,
        precondition: Precondition | None = None,
    ) -> User:
        """A new address has to be verified anew; the former one is told.

        Raises EmailTakenError, PreconditionFailedError.
        """
        user = await self.hold(principal)
        if precondition is not None:
            precondition.demand(user)
        values = change.model_dump(exclude_unset=True)
        former = user.email
        user = await self._manager.change_profile(user, values)
        if user.email != former:
            await self._tell_both(principal, former=former, address=address)
        return user

    async def _tell_both(self, principal: Principal, *, former: str, address: str | None) -> None:
        for organization_id in await self._logs_of(principal):
            await bind_tenant(self._session, Tenant(organization_id, principal.user_id))
            await self._note_new_address(principal, organization_id, address=address)
        await bind_tenant(self._session, Tenant(principal.organization_id, principal.user_id))
        user_id = principal.user_id
        await queue_mail(self._session, Mail.VERIFY, user_id=user_id)
        await queue_mail(self._session, Mail.EMAIL_CHANGED, user_id=user_id, facts={RECIPIENT: former})

    async def _logs_of(self, principal: Principal) -> set[UUID]:
        """Their own organisation's too, which cannot be left: `takeover` asks there whether this ever was."""
        personal = await OwnOrganizations(self._session, principal.user_id).personal()
        return {principal.organization_id} | ({personal} if personal else set())

    async def _note_new_address(
        self, principal: Principal, organization_id: UUID, *, address: str | None
    ) -> None:
        event = AuditEvent(
            AuditAction.EMAIL_CHANGED,
            organization_id=organization_id,
            actor_kind=principal.kind,
            actor_id=principal.user_id,
            credential_id=principal.credential_id,
            subject_id=principal.user_id,
            address=address,
        )
        await record(self._session, event)
