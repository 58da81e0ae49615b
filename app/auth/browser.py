"""A browser's session: the same row and rotation as a program's; only its tokens travel in cookies."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import TokenReuseError
from app.auth.queries import SessionOwner, bind_owner
from app.auth.schemas import TokenPair
from app.auth.sessions import end_sessions
from app.core.auth_metrics import REFRESH
from app.core.browser_cookies import BrowserCookies, BrowserTokens
from app.core.db import Database
from app.core.guard import UnauthenticatedError, count_bad_credential
from app.core.http import client_address
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.principal_cache import PrincipalCache
from app.core.problems import problem_response
from app.core.refresh_tokens import InvalidRefreshTokenError, RefreshClaim, RefreshTokens
from app.core.schemas import ResponseModel


class BrowserSession(ResponseModel):
    """The tokens are in the cookies, and not here."""

    detail: str
    username: str


USELESS_COOKIE = (InvalidRefreshTokenError, TokenReuseError, UnauthenticatedError)


class Browser:
    """What a request's cookies say, and what the answer's cookies shall."""

    def __init__(self, request: Request) -> None:
        state = request.app.state
        self._request = request
        self._cookies: BrowserCookies = state.browser_cookies
        self._tokens: RefreshTokens = state.refresh_tokens
        self._limiter: AsyncLimiter = state.limiter
        self._database: Database = state.database
        self._cache: PrincipalCache = state.principal_cache

    async def claim(self) -> RefreshClaim:
        """What the refresh cookie proves, counted per session.

        Raises UnauthenticatedError, InvalidRefreshTokenError, RateLimitedError.
        """
        token = self._cookies.refresh_token(self._request)
        if token is None:
            raise UnauthenticatedError
        try:
            claim = self._tokens.parse(token)
        except InvalidRefreshTokenError as error:
            REFRESH.refuse(error)
            await count_bad_credential(self._request)
            raise
        await self._limiter.enforce(self._request, [Hit(Limit.REFRESH, str(claim.session_id))])
        return claim

    def keep(self, response: Response, tokens: TokenPair) -> None:
        pair = BrowserTokens(tokens.access_token, tokens.expires_in, tokens.refresh_token)
        self._cookies.store(response, pair)

    def forget(self, response: Response) -> None:
        self._cookies.clear(response)

    async def username_of(self, session_id: UUID) -> str:
        """Raises InvalidRefreshTokenError where the session is gone."""
        async with self._database.transaction() as session:
            owner = await bind_owner(session, session_id)
        return _known(owner).username

    async def end_session(self, session_id: UUID, *, reason: str) -> str:
        """Its owner's name; a session that has ended already is ended all the same.

        Raises InvalidRefreshTokenError where it is unknown.
        """
        async with self._database.transaction() as session:
            owner = _known(await bind_owner(session, session_id))
            ended = await end_sessions(session, owner.user_id, [session_id], reason=reason, cache=self._cache)
            if ended:
                await record(session, self._logout(owner, reason=reason))
        return owner.username

    async def replace_former_session(self) -> None:
        """Whoever logs in anew leaves no session behind that nobody can log out of (ASVS 5.0, 7.2.4)."""
        token = self._cookies.refresh_token(self._request)
        if token is None:
            return
        try:
            await self.end_session(self._tokens.parse(token).session_id, reason="replaced")
        except InvalidRefreshTokenError:
            # A cookie that proves nothing leaves nothing behind; the answer overwrites it.
            return

    def _logout(self, owner: SessionOwner, *, reason: str) -> AuditEvent:
        return AuditEvent(
            AuditAction.LOGOUT,
            organization_id=owner.organization_id,
            actor_kind="user",
            actor_id=owner.user_id,
            credential_id=owner.session_id,
            subject_id=owner.user_id,
            target=("session", owner.session_id),
            address=client_address(self._request.scope.get("client")),
            details={"reason": reason, "browser": True},
        )


async def get_browser(request: Request) -> Browser:
    return Browser(request)


def _known(owner: SessionOwner | None) -> SessionOwner:
    if owner is None:
        raise InvalidRefreshTokenError(internal="the cookie's session is gone")
    return owner


class CookieRoute(APIRoute):
    """Takes refused cookies away: the browser would send them again for days."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        # Any: as the framework's own signature
        handle = super().get_route_handler()

        async def handle_or_clear(request: Request) -> Response:
            try:
                return await handle(request)
            except USELESS_COOKIE as error:
                answer = problem_response(request.scope, error)
                Browser(request).forget(answer)
                return answer

        return handle_or_clear
