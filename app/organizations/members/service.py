"""Who belongs to an organisation, and as what."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.core.guard import RecentLoginRequiredError
from app.core.pagination import PageOfRows, Pagination
from app.core.principal import MembershipRole, Principal
from app.organizations.errors import (
    LastOwnerError,
    MemberNotFoundError,
    OwnerNeededError,
    RoleNotManageableError,
)
from app.organizations.journal import note
from app.organizations.members.repository import MemberRepository, MemberRow
from app.organizations.rules import may_manage, takes_a_recent_login

OWNER = MembershipRole.OWNER

# Of this person in this organisation, and those opened out of them. As `auth` stands above, `main` lends it.
EndSessionsIn = Callable[[AsyncSession, UUID, UUID], Awaitable[None]]


class MemberService:
    """In the organisation that the principal is bound to."""

    def __init__(
        self, session: AsyncSession, principal: Principal, *, end_sessions_in: EndSessionsIn
    ) -> None:
        self._session = session
        self.principal = principal
        self._end_sessions_in = end_sessions_in
        self._members = MemberRepository(session, principal.organization_id)

    async def page(self, pagination: Pagination) -> PageOfRows[MemberRow]:
        return pagination.page(await self._members.page(pagination))

    async def change_role(self, user_id: UUID, role: MembershipRole) -> MemberRow:
        """Raises MemberNotFoundError, RoleNotManageableError, RecentLoginRequiredError, LastOwnerError."""
        roles = await self._members.roles()
        before = _role_of(roles, user_id)
        if not may_manage(self._own_role(roles), before, role):
            raise RoleNotManageableError
        demand_recent_login(self.principal, before, role)
        if role is not OWNER:
            await self._keep_an_owner(without=user_id)
        await self._members.set_role(user_id, role)
        await note(
            self._session,
            self.principal,
            AuditAction.MEMBER_ROLE_CHANGED,
            subject_id=user_id,
            details={"from": before, "to": role},
        )
        return await self._members.one(user_id)

    async def remove(self, user_id: UUID) -> None:
        """Raises MemberNotFoundError, RoleNotManageableError, RecentLoginRequiredError, LastOwnerError."""
        roles = await self._members.roles()
        role = _role_of(roles, user_id)
        if not may_manage(self._own_role(roles), role):
            raise RoleNotManageableError
        demand_recent_login(self.principal, role)
        await self._end(user_id, roles, AuditAction.MEMBER_REMOVED)

    async def leave(self) -> None:
        """Whatever the role. Raises LastOwnerError."""
        roles = await self._members.roles()
        await self._end(self.principal.user_id, roles, AuditAction.MEMBER_LEFT)

    async def _end(self, user_id: UUID, roles: dict[UUID, MembershipRole], action: AuditAction) -> None:
        await self._keep_an_owner(without=user_id)
        await self._end_sessions_in(self._session, user_id, self.principal.organization_id)
        await self._members.remove(user_id)
        details = {"role": _role_of(roles, user_id)}
        await note(self._session, self.principal, action, subject_id=user_id, details=details)

    async def transfer(self, user_id: UUID) -> MemberRow:
        """Ownership in one step. Raises MemberNotFoundError, OwnerNeededError."""
        roles = await self._members.roles()
        _role_of(roles, user_id)
        if self._own_role(roles) is not OWNER:
            raise OwnerNeededError
        if user_id != self.principal.user_id:
            if not await self._members.is_active(user_id):
                raise MemberNotFoundError
            await self._members.set_role(user_id, OWNER)
            await self._members.set_role(self.principal.user_id, MembershipRole.ADMIN)
            await note(self._session, self.principal, AuditAction.OWNERSHIP_TRANSFERRED, subject_id=user_id)
        return await self._members.one(user_id)

    async def _keep_an_owner(self, *, without: UUID) -> None:
        """One who can log in: somebody deactivated owns nothing that anybody could use."""
        if not await self._members.active_owners() - {without}:
            raise LastOwnerError

    def _own_role(self, roles: dict[UUID, MembershipRole]) -> MembershipRole:
        """As it is under the lock, not as the credential's memory has it."""
        return roles.get(self.principal.user_id, MembershipRole.VIEWER)


def _role_of(roles: dict[UUID, MembershipRole], user_id: UUID) -> MembershipRole:
    if user_id not in roles:
        raise MemberNotFoundError
    return roles[user_id]


def demand_recent_login(principal: Principal, *touched: MembershipRole) -> None:
    """Raises RecentLoginRequiredError, to an API key too."""
    if takes_a_recent_login(*touched) and not principal.logged_in_recently(datetime.now(UTC)):
        raise RecentLoginRequiredError
