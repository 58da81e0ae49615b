"""Changing to another organisation of mine: a session of its own there, and the present one stays.

It is no new login: it proves nothing anew, lives no longer than the session it was opened out of, has no
scope which that one lacks, and ends with it. Else a thief of one token would switch, and outlive its end.
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.opening import MAX_USER_AGENT_CHARACTERS, Device, SessionPolicy
from app.auth.own_sessions.errors import ImpersonatedError, SessionNotFoundError
from app.auth.own_sessions.service import Caller
from app.auth.repository import SessionRepository
from app.auth.schemas import TokenPair
from app.auth.store import OwnSessions
from app.core.db import Tenant, bind_tenant
from app.core.principal import Scope, allowed_scopes
from app.organizations.errors import OrganizationNotFoundError
from app.users.queries import lock_person


class Switch:
    def __init__(
        self, policy: SessionPolicy, session: AsyncSession, caller: Caller, *, issuer: TokenIssuer
    ) -> None:
        self._policy = policy
        self._session = session
        self._caller = caller
        self._issuer = issuer

    async def to(self, organization_id: UUID, *, device: Device) -> TokenPair:
        """Raises OrganizationNotFoundError, SessionNotFoundError (it ends meanwhile), ImpersonatedError."""
        principal = self._caller.principal
        own = OwnSessions(self._session, principal.user_id)
        await lock_person(self._session, principal.user_id)
        parent = await own.living(principal.credential_id)
        if parent is None:
            raise SessionNotFoundError
        if parent.impersonator_id is not None:
            raise ImpersonatedError
        await bind_tenant(self._session, Tenant(organization_id, principal.user_id))
        sessions = SessionRepository(self._session, organization_id)
        standing = await sessions.standing_of_member(principal.user_id)
        if standing is None:
            raise OrganizationNotFoundError
        role = self._policy.staff.proved(standing.staff_role, parent.amr)
        row = self._child(parent, organization_id, allowed_scopes(role, standing.membership_role))
        row.ip, row.user_agent = device.address, (device.user_agent or "")[:MAX_USER_AGENT_CHARACTERS]
        await sessions.add(row)
        await self._record(row)
        return self._issuer.pair(row, role=role)

    def _child(self, parent: AuthSession, organization_id: UUID, allowed: frozenset[Scope]) -> AuthSession:
        return AuthSession(
            user_id=parent.user_id,
            organization_id=organization_id,
            parent_id=parent.id,
            counter=0,
            scopes=[scope for scope in parent.scopes if scope in allowed],
            idle_expires_at=min(datetime.now(UTC) + self._policy.idle_lifetime, parent.absolute_expires_at),
            absolute_expires_at=parent.absolute_expires_at,
            device_id=parent.device_id,
            authenticated_at=parent.authenticated_at or parent.created_at,
            amr=parent.amr,
        )

    async def _record(self, row: AuthSession) -> None:
        event = AuditEvent(
            AuditAction.ORGANIZATION_SWITCHED,
            organization_id=row.organization_id,
            actor_kind="user",
            actor_id=row.user_id,
            credential_id=row.parent_id,
            subject_id=row.user_id,
            target=("session", row.id),
            address=self._caller.address,
        )
        await record(self._session, event)
