"""Inviting somebody by their address, and joining by the link."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction
from app.core.db import Tenant, bind_tenant
from app.core.jobs import enqueue
from app.core.pagination import PageOfRows, Pagination
from app.core.plans import PLANS
from app.core.principal import MembershipRole, Principal
from app.organizations.errors import (
    AddressNotVerifiedError,
    AlreadyMemberError,
    InvitationNotFoundError,
    PersonalOrganizationError,
    RoleNotManageableError,
    TooManyMembersError,
)
from app.organizations.invitations.models import Invitation
from app.organizations.invitations.repository import InvitationRepository
from app.organizations.invitations.schemas import InvitationIn
from app.organizations.journal import note
from app.organizations.members.repository import MemberRepository
from app.organizations.members.service import demand_recent_login
from app.organizations.repository import OrganizationRepository
from app.organizations.rules import may_manage
from app.organizations.store import OrganizationRow
from app.users.store import UserStore

SEND_INVITATION = "organizations.send_invitation"
LIFETIME = timedelta(days=7)
NOBODY = UUID(int=0)


class InvitationService:
    """In the organisation that the principal is bound to."""

    def __init__(self, session: AsyncSession, principal: Principal, organization: OrganizationRow) -> None:
        self.principal = principal
        self._session = session
        self._organization = organization
        self._invitations = InvitationRepository(session, principal.organization_id)
        self._members = MemberRepository(session, principal.organization_id)

    async def page(self, pagination: Pagination) -> PageOfRows[Invitation]:
        return pagination.page(await self._invitations.page(pagination))

    async def invite(self, wanted: InvitationIn) -> Invitation:
        """The mail goes out by the worker, once this is committed.

        Raises PersonalOrganizationError, RoleNotManageableError, AlreadyMemberError, TooManyMembersError,
        InvitationExistsError.
        """
        if self._organization.is_personal:
            raise PersonalOrganizationError
        if not may_manage(self.principal.membership_role, wanted.role):
            raise RoleNotManageableError
        demand_recent_login(self.principal, wanted.role)
        if await self._members.has_address(wanted.email):
            raise AlreadyMemberError
        now = datetime.now(UTC)
        await self._invitations.withdraw_expired(wanted.email, now=now)
        await self._demand_room()
        invitation = await self._invitations.add(
            {
                "email": wanted.email,
                "role": wanted.role,
                "invited_by": self.principal.user_id,
                "expires_at": now + LIFETIME,
            }
        )
        await note(
            self._session,
            self.principal,
            AuditAction.MEMBER_INVITED,
            target=("invitation", invitation.id),
            details={"role": wanted.role},
        )
        await _queue_mail(self._session, invitation)
        return invitation

    async def withdraw(self, invitation_id: UUID) -> None:
        """Raises InvitationNotFoundError, RoleNotManageableError."""
        invitation = await self._invitations.lock(invitation_id)
        if invitation is None:
            raise InvitationNotFoundError
        if not may_manage(self.principal.membership_role, MembershipRole(invitation.role)):
            raise RoleNotManageableError
        invitation.withdrawn_at = datetime.now(UTC)
        await note(
            self._session,
            self.principal,
            AuditAction.INVITATION_WITHDRAWN,
            target=("invitation", invitation.id),
        )

    async def _demand_room(self) -> None:
        """Open invitations count: otherwise a hundred of them would go past the plan."""
        taken = await self._members.count() + await self._invitations.count()
        if taken >= PLANS[self.principal.plan].members:
            raise TooManyMembersError


async def accept(
    session: AsyncSession, principal: Principal, *, organization_id: UUID, invitation_id: UUID
) -> None:
    """The link and the address together: whoever has one of the two has nothing. The session moves there.

    Raises InvitationNotFoundError, AddressNotVerifiedError, AlreadyMemberError, TooManyMembersError.
    """
    user = await UserStore(session).get(principal.user_id)
    await bind_tenant(session, Tenant(organization_id, principal.user_id))
    invitation = await InvitationRepository(session, organization_id).lock(invitation_id)
    if user is None or invitation is None or invitation.email != user.email:
        raise InvitationNotFoundError
    if not user.is_verified:
        raise AddressNotVerifiedError
    await _join(session, organization_id, user.id, invitation=invitation)
    invitation.accepted_at = datetime.now(UTC)
    await note(
        session,
        replace(principal, organization_id=organization_id),
        AuditAction.MEMBER_JOINED,
        subject_id=user.id,
        target=("invitation", invitation.id),
        details={"role": invitation.role},
    )


async def _join(
    session: AsyncSession, organization_id: UUID, user_id: UUID, *, invitation: Invitation
) -> None:
    organizations = OrganizationRepository(session, organization_id)
    # Under its lock: of two that take the last place, the second sees the first.
    plan = await organizations.lock_plan()
    members = MemberRepository(session, organization_id)
    role = MembershipRole(invitation.role)
    if plan is None or not may_manage(await _role_of_inviter(members, invitation), role):
        raise InvitationNotFoundError
    if await members.get(user_id) is not None:
        raise AlreadyMemberError
    if await members.count() >= PLANS[plan].members:
        raise TooManyMembersError
    await organizations.add_member(user_id, role=role)


async def _role_of_inviter(members: MemberRepository, invitation: Invitation) -> MembershipRole:
    """As it is now: who lost it, or the account, must not come back by an invitation of before."""
    inviter = invitation.invited_by or NOBODY
    role = (await members.roles()).get(inviter, MembershipRole.VIEWER)
    return role if await members.is_active(inviter) else MembershipRole.VIEWER


async def _queue_mail(session: AsyncSession, invitation: Invitation) -> None:
    """By id: the worker makes the link, so that no secret lies in the queue."""
    args = {"organization_id": str(invitation.organization_id), "invitation_id": str(invitation.id)}
    await enqueue(session, SEND_INVITATION, args=args, queueing_lock=f"invitation:{invitation.id}")
