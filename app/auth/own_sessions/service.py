"""My sessions: seen, and ended one by one or all."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.models import AuthSession
from app.auth.own_sessions.errors import ForeignRefreshTokenError, SessionNotFoundError
from app.auth.sessions import end_all_sessions, end_sessions
from app.auth.store import NEWEST, OwnSessions
from app.core.pagination import CursorCodec, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where."""

    principal: Principal
    address: str | None


class OwnSessionService:
    """In the caller's own transaction."""

    def __init__(self, session: AsyncSession, caller: Caller, *, cache: PrincipalCache) -> None:
        self._session = session
        self._caller = caller
        self._cache = cache
        self._user_id = caller.principal.user_id
        self._current = caller.principal.credential_id
        self._own = OwnSessions(session, self._user_id)

    async def page(self, cursors: CursorCodec, request: PageRequest) -> PageOfRows[AuthSession]:
        """Raises InvalidCursorError."""
        return await self._own.page(Pagination(cursors, NEWEST, request, {"user_id": self._user_id}))

    async def end(self, session_id: UUID) -> None:
        """Raises SessionNotFoundError."""
        if await self._own.living(session_id) is None:
            raise SessionNotFoundError
        ended = await end_sessions(
            self._session, self._user_id, [session_id], reason="ended_by_owner", cache=self._cache
        )
        await self._record(AuditAction.TOKEN_REVOKED, session_id, ended=ended)

    async def log_out(self, named: UUID) -> None:
        """The family of the body's token, and that of the bearer's.

        Raises ForeignRefreshTokenError where the token is of somebody else, and ends nothing then.
        """
        if await self._own.get(named) is None:
            raise ForeignRefreshTokenError
        which = [named, self._current]
        ended = await end_sessions(self._session, self._user_id, which, reason="logout", cache=self._cache)
        await self._record(AuditAction.LOGOUT, self._current, ended=ended)

    async def log_out_everywhere(self) -> int:
        """How many sessions there were."""
        ended = await end_all_sessions(
            self._session, self._user_id, reason="logout_everywhere", cache=self._cache
        )
        await self._record(AuditAction.LOGOUT, self._current, ended=ended)
        return len(ended)

    async def _record(self, action: AuditAction, session_id: UUID, *, ended: list[UUID]) -> None:
        event = AuditEvent(
            action,
            organization_id=self._caller.principal.organization_id,
            actor_kind="user",
            actor_id=self._user_id,
            credential_id=self._current,
            subject_id=self._user_id,
            target=("session", session_id),
            address=self._caller.address,
            details={"sessions": len(ended)},
        )
        await record(self._session, event)
