"""What staff change: people's roles, locks and accounts; an organisation's plan and standing; failed jobs."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.credentials import end_lasting_credentials
from app.accounts.deactivation import reactivate
from app.accounts.repository import NOBODY, ErasureRepository
from app.admin.errors import (
    JobAlreadyWaitingError,
    JobNotFailedError,
    JobNotFoundError,
    OwnAccountError,
    ProtectedAccountError,
    UserNotFoundError,
)
from app.admin.journal import Deed, Staff, note
from app.admin.rules import may_manage
from app.admin.store import lock_job, lock_organization, retry_job, summary_of_job
from app.admin.vocabulary import JobStatus
from app.audit.events import AuditAction
from app.auth.lockout.service import unlock
from app.auth.sessions import end_all_sessions
from app.core.cache import BodyCache
from app.core.db import Tenant, after_commit, bind_tenant
from app.core.principal import Plan, StaffRole
from app.core.principal_cache import PrincipalCache
from app.organizations.errors import OrganizationNotFoundError
from app.organizations.models import Organization
from app.summaries.rendering import cache_key
from app.summaries.store import JobStore, SummaryKey
from app.users.models import User


class PeopleService:
    """Each of these holds on every worker within two seconds, and is written down."""

    def __init__(self, session: AsyncSession, staff: Staff, *, cache: PrincipalCache) -> None:
        self._session = session
        self._staff = staff
        self._cache = cache

    async def change_role(self, user_id: UUID, role: StaffRole) -> User:
        """Their sessions end: what they hold was given to another role.

        Raises OwnAccountError, ProtectedAccountError, UserNotFoundError.
        """
        user = await self._lock(user_id, role)
        if user.role != role:
            before, user.role = user.role, role
            await end_all_sessions(self._session, user_id, reason="role_changed", cache=self._cache)
            await self._note(AuditAction.ROLE_CHANGED, user_id, {"from": before, "to": role})
        return user

    async def deactivate(self, user_id: UUID) -> User:
        """Raises as `change_role`."""
        user = await self._lock(user_id)
        if user.is_active:
            user.is_active = False
            await bind_tenant(self._session, Tenant(user_id=user_id))
            await end_all_sessions(self._session, user_id, reason="account_deactivated", cache=self._cache)
            await end_lasting_credentials(self._session, user_id, cache=self._cache)
            await self._note(AuditAction.ACCOUNT_DEACTIVATED, user_id)
        return user

    async def activate(self, user_id: UUID) -> User:
        """Also one that its owner closed, until it is erased; sessions, keys and feeds stay ended.

        Raises as `change_role`, and AccountBeingErasedError.
        """
        user = await self._lock(user_id)
        if not user.is_active:
            await reactivate(self._session, user_id)
            await self._note(AuditAction.ACCOUNT_ACTIVATED, user_id)
        return user

    async def unlock(self, user_id: UUID) -> User:
        """Raises as `change_role`."""
        user = await self._lock(user_id)
        if await unlock(self._session, user_id):
            await self._note(AuditAction.ACCOUNT_UNLOCKED, user_id)
        return user

    async def _lock(self, user_id: UUID, *becomes: StaffRole) -> User:
        if user_id == self._staff.principal.user_id:
            raise OwnAccountError
        user = await ErasureRepository(self._session).lock_user(user_id)
        if user is None or user.username == NOBODY:
            raise UserNotFoundError
        if not may_manage(self._staff.principal.staff_role, StaffRole(user.role), *becomes):
            raise ProtectedAccountError
        return user

    async def _note(
        self, action: AuditAction, user_id: UUID, details: dict[str, str | int | bool | None] | None = None
    ) -> None:
        await note(self._session, self._staff, Deed(action, subject_id=user_id), details=details)


class StandingService:
    """Of one organisation. `staff` None: an operator, by the command line."""

    def __init__(self, session: AsyncSession, staff: Staff | None) -> None:
        self._session = session
        self._staff = staff

    async def change(
        self, organization_id: UUID, *, plan: Plan | None = None, suspended: bool | None = None
    ) -> Organization:
        """Raises OrganizationNotFoundError. Every credential's memory of one second ends what it had."""
        await bind_tenant(self._session, Tenant(organization_id))
        found = await lock_organization(self._session, organization_id)
        if found is None:
            raise OrganizationNotFoundError("No organisation has this id")
        if plan is not None and plan != found.plan:
            details = {"from": found.plan, "to": plan}
            found.plan = plan
            await self._note(AuditAction.PLAN_CHANGED, organization_id, details)
        if suspended is not None and suspended != (found.suspended_at is not None):
            found.suspended_at = datetime.now(UTC) if suspended else None
            action = AuditAction.ORGANIZATION_SUSPENDED if suspended else AuditAction.ORGANIZATION_RESUMED
            await self._note(action, organization_id)
        await self._session.flush()
        return found

    async def _note(
        self, action: AuditAction, organization_id: UUID, details: dict[str, str] | None = None
    ) -> None:
        deed = Deed(action, target=("organization", organization_id))
        await note(self._session, self._staff, deed, organization_id=organization_id, details=details)


async def retry_failed_job(session: AsyncSession, staff: Staff, job_id: int, *, cache: BodyCache) -> None:
    """A summarising job's summary, which had failed with it, is queued again too.

    Raises JobNotFoundError, JobNotFailedError, JobAlreadyWaitingError.
    """
    status = await lock_job(session, job_id)
    if status is None:
        raise JobNotFoundError
    if status is not JobStatus.FAILED:
        raise JobNotFailedError
    if not await retry_job(session, job_id):
        raise JobAlreadyWaitingError
    await note(session, staff, Deed(AuditAction.JOB_RETRIED), details={"job": job_id})
    key = await summary_of_job(session, job_id)
    if key is not None:
        await _reopen(session, key, cache)


async def _reopen(session: AsyncSession, key: SummaryKey, cache: BodyCache) -> None:
    body = cache_key(key.organization_id, key.summary_id)
    await cache.hold(body)
    after_commit(session, lambda: cache.invalidate(body))
    await bind_tenant(session, Tenant(key.organization_id))
    await JobStore(session, key.organization_id).reopen(key.summary_id)
