"""Support: somebody of the staff sees what a user sees, for a while, and everybody concerned can see that.

There is no refresh token, and nothing done in the user's name can outlive it: no password, key, webhook,
member or other session. The session is one of the user's: they see it in their list, and can end it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import NOBODY
from app.admin.errors import OwnAccountError, ProtectedAccountError, SupportForbiddenError, UserNotFoundError
from app.admin.journal import Deed, Details, Staff, note
from app.admin.queries import People
from app.audit.events import AuditAction
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.auth.sessions import demand_living, end_sessions
from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.core.principal import MEMBERSHIP_SCOPES, MembershipRole, Scope, StaffRole
from app.core.principal_cache import PrincipalCache
from app.core.tokens import IssuedToken
from app.organizations.errors import MemberNotFoundError
from app.organizations.store import OwnOrganizations
from app.users.queries import lock_person

READING = frozenset(scope for scope in Scope if scope.endswith(":read"))
WRITING = READING | {Scope.SUMMARIES_WRITE, Scope.SUMMARIES_DELETE}
DEVICE = "Precis support"


@dataclass(frozen=True, slots=True)
class Wanted:
    organization_id: UUID
    reason: str
    minutes: int
    write: bool


@dataclass(frozen=True, slots=True)
class Impersonation:
    session: AuthSession
    token: IssuedToken


class ImpersonationService:
    def __init__(
        self, session: AsyncSession, staff: Staff, *, issuer: TokenIssuer, cache: PrincipalCache
    ) -> None:
        self._session = session
        self._staff = staff
        self._issuer = issuer
        self._cache = cache

    async def begin(self, user_id: UUID, wanted: Wanted) -> Impersonation:
        """Asked again while it lasts, another token of the same session, which ends no later for that.

        Raises OwnAccountError, UserNotFoundError, ProtectedAccountError (of staff; writing, unless by a
        super_admin), MemberNotFoundError (not an active one, there), SupportForbiddenError,
        InvalidCredentialError (the staff's own session has just ended).
        """
        await self._check(user_id, write=wanted.write)
        await self._demand_living()
        role = await self._enter(user_id, wanted.organization_id)
        scopes = sorted(MEMBERSHIP_SCOPES[role] & (WRITING if wanted.write else READING))
        for row in await People(self._session).impersonations(user_id, self._staff.principal.user_id):
            if row.organization_id == wanted.organization_id and row.scopes == scopes:
                return self._with_token(row)
        row = self._row(user_id, wanted, scopes=scopes)
        await SessionRepository(self._session, wanted.organization_id).add(row)
        details: Details = {"reason": wanted.reason, "minutes": wanted.minutes, "write": wanted.write}
        await self._note(AuditAction.IMPERSONATION_STARTED, row, details)
        return self._with_token(row)

    async def end(self, user_id: UUID) -> None:
        """All of mine of this person; their tokens die within two seconds. Raises UserNotFoundError."""
        await self._find(user_id)
        await bind_tenant(self._session, Tenant(user_id=user_id))
        rows = await People(self._session).impersonations(user_id, self._staff.principal.user_id)
        ids = [row.id for row in rows]
        await end_sessions(self._session, user_id, ids, reason="impersonation_ended", cache=self._cache)
        for row in rows:
            await bind_tenant(self._session, Tenant(row.organization_id, user_id))
            await self._note(AuditAction.IMPERSONATION_ENDED, row, {})

    async def _check(self, user_id: UUID, *, write: bool) -> None:
        staff = self._staff.principal
        if user_id == staff.user_id:
            raise OwnAccountError
        is_staff = await self._find(user_id) is not StaffRole.USER
        if is_staff or (write and staff.staff_role is not StaffRole.SUPER_ADMIN):
            raise ProtectedAccountError

    async def _demand_living(self) -> None:
        """What they began ends with their sessions, and one that has ended is believed for a second more."""
        await lock_person(self._session, self._staff.principal.user_id)
        await demand_living(self._session, self._staff.principal)

    async def _find(self, user_id: UUID) -> StaffRole:
        user = await People(self._session).get(user_id)
        if user is None or user.username == NOBODY:
            raise UserNotFoundError
        return StaffRole(user.role)

    async def _enter(self, user_id: UUID, organization_id: UUID) -> MembershipRole:
        """The transaction is theirs there from here on; it holds the person, as each login of theirs does."""
        await bind_tenant(self._session, Tenant(organization_id, user_id))
        await lock_person(self._session, user_id)
        standing = await SessionRepository(self._session, organization_id).standing_of_member(user_id)
        if standing is None or not standing.is_active:
            raise MemberNotFoundError
        organization = await OwnOrganizations(self._session, user_id).get(organization_id)
        if organization is None or not organization.support_access:
            raise SupportForbiddenError
        return standing.membership_role

    def _row(self, user_id: UUID, wanted: Wanted, *, scopes: list[Scope]) -> AuthSession:
        end = datetime.now(UTC) + timedelta(minutes=wanted.minutes)
        return AuthSession(
            id=new_id(),
            user_id=user_id,
            organization_id=wanted.organization_id,
            counter=0,
            scopes=scopes,
            idle_expires_at=end,
            absolute_expires_at=end,
            user_agent=DEVICE,
            amr=[],
            impersonator_id=self._staff.principal.user_id,
        )

    def _with_token(self, row: AuthSession) -> Impersonation:
        left = int((row.absolute_expires_at - datetime.now(UTC)).total_seconds())
        return Impersonation(row, self._issuer.access_only(row, at_most_seconds=max(1, left)))

    async def _note(self, action: AuditAction, row: AuthSession, details: Details) -> None:
        deed = Deed(action, subject_id=row.user_id, target=("session", row.id))
        await note(self._session, self._staff, deed, organization_id=row.organization_id, details=details)
