"""The providers that open a person's account: shown, and taken away."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.oauth.errors import LastLoginError
from app.auth.oauth.linking import NO_PASSWORD
from app.auth.oauth.models import OAuthAccount
from app.auth.oauth.repository import OAuthAccountRepository
from app.core.errors import NotFoundError
from app.core.principal import Principal
from app.users.store import UserStore


async def links_of(session: AsyncSession, user_id: UUID) -> Sequence[OAuthAccount]:
    return await OAuthAccountRepository(session).list_of(user_id)


async def unlink(session: AsyncSession, principal: Principal, provider: str, *, address: str | None) -> None:
    """Raises NotFoundError, LastLoginError. The person is locked: of two links at most one goes at a time."""
    user = await UserStore(session).lock(principal.user_id)
    accounts = OAuthAccountRepository(session)
    links = await accounts.list_of(principal.user_id)
    link = next((account for account in links if account.provider == provider), None)
    if user is None or link is None:
        raise NotFoundError("No account of this provider is linked")
    if len(links) == 1 and user.hashed_password == NO_PASSWORD:
        raise LastLoginError
    await accounts.remove(link)
    event = AuditEvent(
        AuditAction.PROVIDER_UNLINKED,
        organization_id=principal.organization_id,
        actor_kind="user",
        actor_id=principal.user_id,
        credential_id=principal.credential_id,
        subject_id=principal.user_id,
        address=address,
        details={"provider": provider},
    )
    await record(session, event)


async def unlink_all(session: AsyncSession, user_id: UUID) -> int:
    """For whoever takes an account over by its address: what a squatter has linked opens it no more.

    The rightful owner's own provider is joined again at the next login by it, by the verified address.
    """
    return await OAuthAccountRepository(session).remove_all(user_id)
