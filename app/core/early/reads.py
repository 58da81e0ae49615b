"""Reads of one object, of whose body the cache is asked beside everything else.

A warm one is one question to Redis: whether the credential lives, the limits of whom it stood for last, and
the body. A cold one is loaded.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from app.core.cache import BodyCache, CachedBody, Miss
from app.core.early.admission import Caller
from app.core.ids import parse_id
from app.core.principal import Principal, Scope


@dataclass(frozen=True, slots=True)
class EarlyRead:
    """`path` ends with the id; `key` is given tenant and object.

    `load`: what the cache has not, for whoever may read it; None where only the route can answer.
    """

    path: str
    needs: Scope
    key: Callable[[str, UUID], str]
    may_read: Callable[[Principal, CachedBody], bool]
    load: Callable[[HTTPConnection, Principal, UUID, Miss], Awaitable[CachedBody | None]]
    answer: Callable[[CachedBody, str | None], Response]

    def is_meant(self, scope: ConnectionScope) -> bool:
        is_read = scope["method"] == "GET" and not scope["query_string"]
        return is_read and scope["path"].startswith(self._prefix)

    async def serve(self, scope: ConnectionScope, receive: Receive, send: Send, *, route: ASGIApp) -> None:
        connection = HTTPConnection(scope)
        object_id = parse_id(scope["path"].removeprefix(self._prefix))
        caller = Caller.of(connection, needs=self.needs) if object_id else None
        found = await self._find(connection, caller, object_id) if caller and object_id else None
        answer = self.answer(found, caller.if_none_match) if caller and found else route
        await answer(scope, receive, send)

    @property
    def _prefix(self) -> str:
        return self.path.partition("{")[0]

    async def _find(self, connection: HTTPConnection, caller: Caller, object_id: UUID) -> CachedBody | None:
        # What the log and the figures name a request by, also where it is refused here.
        connection.scope["route"] = self
        cache: BodyCache = connection.app.state.cache
        key = self.key(caller.expected.tenant, object_id)
        lookup = cache.begin(key)
        principal = await caller.admitted(connection)
        if principal is None:
            return None
        found = await cache.get(key, begun=lookup)
        if isinstance(found, Miss):
            connection.state.missed = found
            return await self.load(connection, principal, object_id, found)
        return found if self.may_read(principal, found) else None


def missed(request: Request) -> Miss | None:
    """What was looked for here and not found: the route need not look again."""
    found: Miss | None = getattr(request.state, "missed", None)
    return found
