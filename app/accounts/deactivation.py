"""Leaving: the account is closed at once, and erased when there was time to think better of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.credentials import end_lasting_credentials
from app.accounts.errors import AccountBeingErasedError, AccountGoneError
from app.accounts.models import AccountErasure
from app.accounts.repository import ErasureRepository, PlaceRepository
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.sessions import end_all_sessions
from app.core.db import Tenant, bind_tenant
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache
from app.organizations.errors import LastOwnerError
from app.outbox.mails import Mail, queue_mail


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who leaves, from where; and how long their data stays."""

    principal: Principal
    address: str | None
    grace: timedelta


class DeactivationService:
    def __init__(self, session: AsyncSession, cache: PrincipalCache) -> None:
        self._session = session
        self._cache = cache
        self._erasures = ErasureRepository(session)

    async def deactivate(self, leaving: Leaving) -> AccountErasure:
        """No credential of theirs works from here on. Raises LastOwnerError, AccountGoneError."""
        user_id = leaving.principal.user_id
        await self._refuse_orphans(leaving.principal)
        user = await self._erasures.lock_user(user_id)
        if user is None or not user.is_active:
            raise AccountGoneError
        user.is_active = False
        await end_all_sessions(self._session, user_id, reason="account_deactivated", cache=self._cache)
        await end_lasting_credentials(self._session, user_id, cache=self._cache)
        erasure = await self._erasures.add(user_id, erase_after=datetime.now(UTC) + leaving.grace)
        await record(self._session, _deactivated(leaving, erasure))
        facts = {"receipt": str(erasure.id), "erased_after": f"{erasure.erase_after:%Y-%m-%d %H:%M} UTC"}
        await queue_mail(self._session, Mail.ACCOUNT_DEACTIVATED, user_id=user_id, facts=facts)
        return erasure

    async def _refuse_orphans(self, principal: Principal) -> None:
        """What others use must not lose its last owner, nor be erased from under them."""
        for organization_id in await self._erasures.owned(principal.user_id):
            await bind_tenant(self._session, Tenant(organization_id, principal.user_id))
            place = PlaceRepository(self._session, organization_id, principal.user_id)
            await place.lock_owners()
            if await place.has_other_members() and not await place.has_other_owner():
                raise LastOwnerError(f"You are the last owner of the organisation {organization_id}")
        await bind_tenant(self._session, Tenant(principal.organization_id, principal.user_id))


async def reactivate(session: AsyncSession, user_id: UUID) -> None:
    """For staff, who record it: the clock stops. Sessions, keys and feeds stay ended.

    Raises AccountGoneError, AccountBeingErasedError (too late).
    """
    erasures = ErasureRepository(session)
    user = await erasures.lock_user(user_id)
    if user is None:
        raise AccountGoneError
    if not await erasures.cancel(user_id):
        raise AccountBeingErasedError
    user.is_active = True


def _deactivated(leaving: Leaving, erasure: AccountErasure) -> AuditEvent:
    principal = leaving.principal
    return AuditEvent(
        AuditAction.ACCOUNT_DEACTIVATED,
        organization_id=principal.organization_id,
        actor_kind="user",
        actor_id=principal.user_id,
        credential_id=principal.credential_id,
        subject_id=principal.user_id,
        target=("erasure", erasure.id),
        address=leaving.address,
        details={"erase_after": erasure.erase_after.isoformat(timespec="seconds")},
    )
