"""What becomes of organisations: made, renamed, deleted with a grace period, restored, erased."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.core.conditional import Precondition
from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.core.pagination import PageOfRows, Pagination
from app.core.principal import MembershipRole, Principal
from app.organizations.errors import (
    OrganizationNotFoundError,
    OwnerNeededError,
    PersonalOrganizationError,
    TooManyOrganizationsError,
    WrongOrganizationError,
)
from app.organizations.journal import note
from app.organizations.models import Organization
from app.organizations.repository import OrganizationRepository
from app.organizations.store import (
    OrganizationRow,
    OwnOrganizations,
    change_organization,
)
from app.users.queries import lock_person

GRACE = timedelta(days=30)
MAX_OWNED = 20


async def create_personal(session: AsyncSession, *, owner_id: UUID, name: str) -> Organization:
    """Every person has a place of their own; the session is bound to it from here on."""
    return await _create(session, owner_id=owner_id, name=name, is_personal=True)


async def _create(session: AsyncSession, *, owner_id: UUID, name: str, is_personal: bool) -> Organization:
    organization_id = new_id()
    await bind_tenant(session, Tenant(organization_id=organization_id, user_id=owner_id))
    organizations = OrganizationRepository(session, organization_id)
    return await organizations.add(name=name, is_personal=is_personal, owner_id=owner_id)


class OrganizationService:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self.principal = principal
        self._own = OwnOrganizations(session, principal.user_id)

    async def page(self, pagination: Pagination) -> PageOfRows[OrganizationRow]:
        """Mine; to an API key, the one that it is bound to."""
        only = None if self.principal.kind == "user" else self.principal.organization_id
        return pagination.page(await self._own.page(pagination, only=only))

    async def get(self, organization_id: UUID) -> OrganizationRow:
        """Raises OrganizationNotFoundError."""
        if self.principal.kind != "user" and organization_id != self.principal.organization_id:
            raise OrganizationNotFoundError
        found = await self._own.get(organization_id)
        if found is None:
            raise OrganizationNotFoundError
        return found

    async def bound(self, organization_id: UUID) -> OrganizationRow:
        """Raises OrganizationNotFoundError, and WrongOrganizationError for another one of mine."""
        found = await self.get(organization_id)
        if organization_id != self.principal.organization_id:
            raise WrongOrganizationError
        return found

    async def create(self, name: str) -> OrganizationRow:
        """Raises TooManyOrganizationsError."""
        await lock_person(self._session, self.principal.user_id)
        if await self._own.count_owned() >= MAX_OWNED:
            raise TooManyOrganizationsError
        made = await _create(self._session, owner_id=self.principal.user_id, name=name, is_personal=False)
        await self._note(made.id, AuditAction.ORGANIZATION_CREATED)
        return await self.get(made.id)

    async def change(
        self, organization_id: UUID, precondition: Precondition | None = None, **values: str | bool
    ) -> OrganizationRow:
        """Its name, whether staff may act there.

        Raises OrganizationNotFoundError, WrongOrganizationError, PreconditionFailedError.
        """
        await self.bound(organization_id)
        if precondition is not None and precondition.if_match is not None:
            await self._own.lock(organization_id)
            precondition.demand(await self.get(organization_id))
        if values:
            await change_organization(self._session, organization_id, **values)
            # Not the name, which may be a person's: the log outlives an erased account.
            told = {name: value for name, value in values.items() if name != "name"}
            await note(self._session, self.principal, AuditAction.ORGANIZATION_CHANGED, details=told)
        return await self.get(organization_id)

    async def delete(self, organization_id: UUID) -> OrganizationRow:
        """Its credentials stop at once; what it has is erased after the grace period.

        Raises OrganizationNotFoundError, WrongOrganizationError, OwnerNeededError, PersonalOrganizationError.
        """
        found = await self.bound(organization_id)
        await self._demand_owner(organization_id)
        if found.is_personal:
            raise PersonalOrganizationError
        erase_after = datetime.now(UTC) + GRACE
        await change_organization(self._session, organization_id, erase_after=erase_after)
        await self._note(organization_id, AuditAction.ORGANIZATION_DELETED)
        return await self.get(organization_id)

    async def restore(self, organization_id: UUID) -> OrganizationRow:
        """With a credential of another organisation: those of this one are dead.

        Raises OrganizationNotFoundError, OwnerNeededError.
        """
        found = await self.get(organization_id)
        await self._demand_owner(organization_id)
        if found.erase_after is not None:
            if found.erase_after <= datetime.now(UTC):
                # Its erasure may have begun: half of it would come back.
                raise OrganizationNotFoundError
            await bind_tenant(self._session, Tenant(organization_id, self.principal.user_id))
            await change_organization(self._session, organization_id, erase_after=None)
            await self._note(organization_id, AuditAction.ORGANIZATION_RESTORED)
        return await self.get(organization_id)

    async def _demand_owner(self, organization_id: UUID) -> None:
        if await self._own.lock_role(organization_id) is not MembershipRole.OWNER:
            raise OwnerNeededError

    async def _note(self, organization_id: UUID, action: AuditAction) -> None:
        await note(self._session, replace(self.principal, organization_id=organization_id), action)
