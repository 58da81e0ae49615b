"""An address's owner takes over an account that anybody may have registered with it.

What whoever had it left behind opens nothing from here on, and does not lock the owner out.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.credentials import end_lasting_credentials
from app.audit.events import AuditAction, AuditEvent
from app.audit.queries import AuditLog
from app.audit.service import record
from app.auth.oauth.links import unlink_all
from app.auth.second_factor.repository import SecondFactorRepository
from app.core.db import TENANT_KEY, Tenant, bind_tenant
from app.core.principal import StaffRole
from app.core.principal_cache import PrincipalCache
from app.organizations.repository import organizations_of
from app.organizations.store import OwnOrganizations
from app.outbox.mails import Mail, queue_mail
from app.users.models import User
from app.webhooks.service import remove_all


async def take_over(session: AsyncSession, user: User, *, cache: PrincipalCache) -> None:
    """The transaction is bound to the person, who is locked, and whose sessions have ended."""
    bound: Tenant = session.info.get(TENANT_KEY, Tenant(user_id=user.id))
    await end_lasting_credentials(session, user.id, cache=cache)
    await unlink_all(session, user.id)
    await _remove_webhooks(session, user.id)
    moved = await _moved(session, user.id)
    await bind_tenant(session, bound)
    if user.role == StaffRole.USER and not moved:
        await _forget_second_factor(session, bound.organization_id, user.id)


async def _remove_webhooks(session: AsyncSession, user_id: UUID) -> None:
    """Of the personal organisation, which nobody else is in: those of others are their members' matter."""
    personal = await OwnOrganizations(session, user_id).personal()
    if personal is not None:
        await bind_tenant(session, Tenant(personal, user_id))
        await remove_all(session, personal)


async def _moved(session: AsyncSession, user_id: UUID) -> bool:
    """Whether the account came to this address from another one.

    Then its second factor stays, as staff's does: a thief who finds an open session would otherwise change
    the address to one of their own, have a reset sent there, and so be rid of the factor.
    """
    for organization_id in await organizations_of(session, user_id):
        await bind_tenant(session, Tenant(organization_id, user_id))
        if await AuditLog(session, organization_id).tells_of(AuditAction.EMAIL_CHANGED, subject_id=user_id):
            return True
    return False


async def _forget_second_factor(session: AsyncSession, organization_id: UUID | None, user_id: UUID) -> None:
    """`organization_id`: whose log is told, to which the transaction is bound."""
    factors = SecondFactorRepository(session, user_id)
    factor = await factors.lock()
    if factor is None:
        return
    await factors.remove()
    if factor.confirmed_at is None:
        return
    event = AuditEvent(
        AuditAction.SECOND_FACTOR_DISABLED,
        organization_id=organization_id,
        actor_kind="system",
        subject_id=user_id,
    )
    await record(session, event)
    facts = {"change": "reset_with_the_password"}
    await queue_mail(session, Mail.SECOND_FACTOR_CHANGED, user_id=user_id, facts=facts)
