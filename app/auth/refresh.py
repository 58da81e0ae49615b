"""Refresh with rotation: the row's lock makes concurrent callers queue, the first finds its token current.

What the others are, `rotation.judge` says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Literal, NoReturn
from uuid import UUID

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import beside, record
from app.auth.errors import TokenReuseError
from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.auth.repository import (
    LiveSession,
    SessionRepository,
    Spending,
    bind_session,
    live_session,
    rotate_sessions,
)
from app.auth.reuse import Replay, end_replayed
from app.auth.rotation import Family, Presented, Verdict, hash_idempotency_key, judge
from app.auth.schemas import TokenPair
from app.core.auth_metrics import REFRESH
from app.core.db import Database, Tenant
from app.core.group_commit import GroupCommit
from app.core.principal import Scope, StaffPolicy, allowed_scopes
from app.core.principal_cache import PrincipalCache
from app.core.refresh_tokens import InvalidRefreshTokenError, RefreshClaim
from app.organizations.repository import Standing

# Why a spent token may be answered all the same, as it is told.
REUSED = {Verdict.CONCURRENT: "concurrent", Verdict.RETRY: "retry"}


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


@dataclass(frozen=True, slots=True)
class Answered:
    """A session whose current pair is given out, and why."""

    live: LiveSession
    verdict: Verdict


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
        rotate = partial(rotate_sessions, database, idle_lifetime=policy.idle_lifetime)
        self.together = GroupCommit[Spending, LiveSession | None](rotate, name="SELECT rotate_sessions")

    async def refresh(self, request: RefreshRequest) -> Refreshed:
        """Answers with a new pair, and spends the old one.

        Raises:
            InvalidRefreshTokenError: unknown, expired, or of an ended session.
            TokenReuseError: spent before; the session is ended by this call.
        """
        with REFRESH:
            answer = await self._rotate(request) or await self._answer_spent(request)
            if isinstance(answer, Replay):
                await self._refuse(answer)
            return await self._reissue(answer)

    async def _rotate(self, request: RefreshRequest) -> Answered | None:
        key = hash_idempotency_key(request.idempotency_key)
        live = await self.together.write(Spending(request.claim, key, beside(address=request.address)))
        return Answered(live, Verdict.ROTATE) if live else None

    async def _answer_spent(self, request: RefreshRequest) -> Answered | Replay:
        async with self._database.transaction() as session:
            organization_id = await bind_session(session, request.claim.session_id)
            if organization_id is None:
                raise InvalidRefreshTokenError(internal="no such session")
            answer = await self._judge(SessionRepository(session, organization_id), request)
            if isinstance(answer, Answered):
                await record(session, _answered(answer, address=request.address))
            return answer

    async def _judge(self, sessions: SessionRepository, request: RefreshRequest) -> Answered | Replay:
        """Why it could not be rotated: judged under the lock."""
        presented = await self._present(sessions, request)
        row, standing = await _lock_live(sessions, request.claim.session_id)
        family = Family(row.counter, row.rotated_at, row.prev_idem_hash)
        verdict = judge(presented, family, grace=self._policy.reuse_grace)
        if verdict is Verdict.REUSE:
            return Replay(row.id, row.organization_id, row.user_id, request.address)
        if verdict not in REUSED:
            raise InvalidRefreshTokenError(internal=f"a token that was not to be had: {verdict.name}")
        return Answered(live_session(row, standing), verdict)

    async def _refuse(self, replay: Replay) -> NoReturn:
        # In a transaction of its own: ending locks the person before the session, rotating only the session.
        # In the other order the two would wait for each other.
        tenant = Tenant(replay.organization_id, replay.user_id)
        async with self._database.transaction(tenant) as session:
            revokes = self._policy.reuse_revokes
            await end_replayed(session, replay, revokes=revokes, cache=self._cache)
            raise TokenReuseError("Token reuse detected. Session revoked; log in again.")

    async def _present(self, sessions: SessionRepository, request: RefreshRequest) -> Presented:
        # The age is read after the round trip, which makes `arrived` a lower bound in the database's time.
        now = await sessions.now()
        return Presented(
            counter=request.claim.counter,
            arrived=now - timedelta(seconds=self._monotonic() - request.arrived),
            idempotency_hash=hash_idempotency_key(request.idempotency_key),
        )

    async def _reissue(self, answered: Answered) -> Refreshed:
        live = answered.live
        role = self._policy.staff.proved(live.standing.staff_role, live.amr)
        allowed = allowed_scopes(role, live.standing.membership_role)
        if not allowed.issuperset(live.scopes):
            live = await self._narrow(live, allowed)
        return Refreshed(self._issuer.pair(live, role=role), REUSED.get(answered.verdict))

    async def _narrow(self, live: LiveSession, allowed: frozenset[Scope]) -> LiveSession:
        """Never wider than at login: what a role lost is lost for this session, also if it comes back."""
        scopes = [scope for scope in live.scopes if scope in allowed]
        async with self._database.transaction(Tenant(live.organization_id)) as session:
            await SessionRepository(session, live.organization_id).narrow(live.id, scopes)
        return replace(live, scopes=scopes)


async def _lock_live(sessions: SessionRepository, session_id: UUID) -> tuple[AuthSession, Standing]:
    row = await sessions.lock(session_id)
    standing = await sessions.standing_of(session_id)
    if row is None or standing is None or not standing.is_active:
        raise InvalidRefreshTokenError(internal="the session has ended")
    if row.impersonator_id is not None:
        raise InvalidRefreshTokenError(internal="support has no refresh token; somebody made one")
    # Under the lock: later than the rotation that this caller may have waited for.
    if row.idle_expires_at <= await sessions.now():
        raise InvalidRefreshTokenError(internal="the session was idle for too long")
    return row, standing


def _answered(answered: Answered, *, address: str | None) -> AuditEvent:
    live = answered.live
    return AuditEvent(
        AuditAction.TOKEN_REFRESH,
        organization_id=live.organization_id,
        actor_kind="user",
        actor_id=live.user_id,
        credential_id=live.id,
        subject_id=live.user_id,
        target=("session", live.id),
        address=address,
        details={"counter": live.counter, "verdict": answered.verdict.name.lower()},
    )
