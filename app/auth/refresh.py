"""Refresh with rotation: the row lock makes concurrent callers queue, `rotation.judge` tells them apart."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NoReturn
from uuid import UUID

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import TokenReuseError
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.repository import SessionRepository, organization_of_session
from app.auth.reuse import Replay, end_replayed
from app.auth.rotation import Family, Presented, Verdict, hash_idempotency_key, judge
from app.auth.schemas import TokenPair
from app.core.auth_metrics import REFRESH
from app.core.db import Database, Tenant, bind_tenant
from app.core.principal import Scope, StaffPolicy, allowed_scopes
from app.core.principal_cache import PrincipalCache
from app.core.refresh_tokens import InvalidRefreshTokenError, RefreshClaim
from app.organizations.repository import Standing


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    idle_lifetime: timedelta
    reuse_grace: timedelta
    staff: StaffPolicy
    reuse_revokes: Literal["session", "user"] = "session"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`reused` says why a spent token was answered all the same: `concurrent` or `retry`."""

    tokens: TokenPair
    reused: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """`arrived`: monotonic seconds at which the request reached this process."""

    claim: RefreshClaim
    arrived: float
    idempotency_key: str | None = None
    address: str | None = None


class RefreshService:
    def __init__(  # what it is made of, once, in main.py
        self,
        policy: RefreshPolicy,
        *,
        database: Database,
        issuer: TokenIssuer,
        cache: PrincipalCache,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._database = database
        self._issuer = issuer
        self._cache = cache
        self._monotonic = monotonic

    async def refresh(self, request: RefreshRequest) -> Refreshed:
        """Answers with a new pair, and spends the old one.

        Raises:
            InvalidRefreshTokenError: unknown, expired, or of an ended session.
            TokenReuseError: spent before; the session is ended by this call.
        """
        with REFRESH:
            answer = await self._answer_to(request)
            if isinstance(answer, Replay):
                await self._refuse(answer)
            return answer

    async def _answer_to(self, request: RefreshRequest) -> Refreshed | Replay:
        claim = request.claim
        async with self._database.transaction() as session:
            organization_id = await organization_of_session(session, claim.session_id)
            if organization_id is None:
                raise InvalidRefreshTokenError(internal="no such session")
            await bind_tenant(session, Tenant(organization_id))
            sessions = SessionRepository(session, organization_id)
            presented = await self._present(sessions, request, counter=claim.counter)
            row, standing = await _lock_live(sessions, claim.session_id)
            verdict = await self._judge(sessions, row, presented)
            if verdict is Verdict.REUSE:
                return Replay(row.id, organization_id, row.user_id, request.address)
            await record(session, _answered(row, verdict, address=request.address))
            return self._reissue(row, standing, verdict)

    async def _refuse(self, replay: Replay) -> NoReturn:
        # In a transaction of its own: ending locks the person before the session, rotating only the session.
        # In the other order the two would wait for each other.
        tenant = Tenant(replay.organization_id, replay.user_id)
        async with self._database.transaction(tenant) as session:
            revokes = self._policy.reuse_revokes
            await end_replayed(session, replay, revokes=revokes, cache=self._cache)
            raise TokenReuseError("Token reuse detected. Session revoked; log in again.")

    async def _present(
        self, sessions: SessionRepository, request: RefreshRequest, *, counter: int
    ) -> Presented:
        # The age is read after the round trip, which makes `arrived` a lower bound in the database's time.
        now = await sessions.now()
        return Presented(
            counter=counter,
            arrived=now - timedelta(seconds=self._monotonic() - request.arrived),
            idempotency_hash=hash_idempotency_key(request.idempotency_key),
        )

    async def _judge(self, sessions: SessionRepository, row: AuthSession, presented: Presented) -> Verdict:
        # Under the lock: later than the rotation that this caller may have waited for.
        now = await sessions.now()
        if row.idle_expires_at <= now:
            raise InvalidRefreshTokenError(internal="the session was idle for too long")
        family = Family(row.counter, row.rotated_at, row.prev_idem_hash)
        verdict = judge(presented, family, grace=self._policy.reuse_grace)
        if verdict is Verdict.UNKNOWN:
            raise InvalidRefreshTokenError(internal="a counter that was never issued")
        if verdict is Verdict.ROTATE:
            self._rotate(row, presented, now=now)
        return verdict

    def _reissue(self, row: AuthSession, standing: Standing, verdict: Verdict) -> Refreshed:
        role = self._policy.staff.proved(standing.staff_role, row.amr)
        _narrow(row, allowed_scopes(role, standing.membership_role))
        tokens = self._issuer.pair(row, role=role)
        return Refreshed(tokens, None if verdict is Verdict.ROTATE else verdict.name.lower())

    def _rotate(self, row: AuthSession, presented: Presented, *, now: datetime) -> None:
        row.counter += 1
        row.rotated_at = now
        row.prev_idem_hash = presented.idempotency_hash
        row.idle_expires_at = min(now + self._policy.idle_lifetime, row.absolute_expires_at)


async def _lock_live(sessions: SessionRepository, session_id: UUID) -> tuple[AuthSession, Standing]:
    row = await sessions.lock(session_id)
    standing = await sessions.standing_of(session_id)
    if row is None or standing is None or not standing.is_active:
        raise InvalidRefreshTokenError(internal="the session has ended")
    if row.impersonator_id is not None:
        raise InvalidRefreshTokenError(internal="support has no refresh token; somebody made one")
    return row, standing


def _narrow(row: AuthSession, allowed: frozenset[Scope]) -> None:
    """Never wider than at login: what a role lost is lost for this session, also if the role comes back."""
    row.scopes = [scope for scope in row.scopes if scope in allowed]


def _answered(row: AuthSession, verdict: Verdict, *, address: str | None) -> AuditEvent:
    return AuditEvent(
        AuditAction.TOKEN_REFRESH,
        organization_id=row.organization_id,
        actor_kind="user",
        actor_id=row.user_id,
        credential_id=row.id,
        subject_id=row.user_id,
        target=("session", row.id),
        address=address,
        details={"counter": row.counter, "verdict": verdict.name.lower()},
    )
