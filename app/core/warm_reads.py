"""Reads of one object, answered before routing where whoever asks is known.

The route's work is done here in the route's order, but asked of Redis at once: whether the credential still
lives, the limits of whom it stood for last, and the body, which only where it is cold is loaded. Whatever is
not plainly such a read, or not found, goes on to the route, which counts nothing a second time. A refusal is
the route's own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from app.core.cache import BodyCache, CachedBody, Miss
from app.core.guard import admit, expected_principal
from app.core.ids import parse_id
from app.core.limits import AsyncLimiter, Limit, principal_hits
from app.core.principal import Principal, Scope

BEARER = b"bearer "
READ_BY_US = frozenset({b"authorization", b"x-api-key", b"if-none-match"})
# As in the routes' own declaration of the header.
MAX_CONDITION_BYTES = 1000


@dataclass(frozen=True, slots=True)
class WarmRoute:
    """`path` is the route's template, which ends with the id; `key` is given organisation and object.

    `load`: what the cache has not, for whoever may read it; None where only the route can answer.
    """

    path: str
    needs: Scope
    key: Callable[[UUID, UUID], str]
    may_read: Callable[[Principal, CachedBody], bool]
    load: Callable[[HTTPConnection, Principal, UUID, Miss], Awaitable[CachedBody | None]]
    answer: Callable[[CachedBody, str | None], Response]


@dataclass(frozen=True, slots=True)
class Asked:
    object_id: UUID
    credential: str
    if_none_match: str | None


class WarmReadsMiddleware:
    def __init__(self, app: ASGIApp, *, route: WarmRoute) -> None:
        self.app = app
        self.route = route
        self.prefix = route.path.partition("{")[0]

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        asked = self._read(scope)
        found = await self._find(HTTPConnection(scope), asked) if asked else None
        if asked is None or found is None:
            await self.app(scope, receive, send)
            return
        await self.route.answer(found, asked.if_none_match)(scope, receive, send)

    def _read(self, scope: ConnectionScope) -> Asked | None:
        """None for whatever is not plainly a read of one object with one credential."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return None
        path: str = scope["path"]
        object_id = parse_id(path.removeprefix(self.prefix)) if path.startswith(self.prefix) else None
        sent = credential_and_condition(scope) if object_id else None
        if object_id is None or sent is None:
            return None
        return Asked(object_id, *sent)

    async def _find(self, connection: HTTPConnection, asked: Asked) -> CachedBody | None:
        expected = expected_principal(connection, asked.credential)
        if expected is None or self.route.needs not in expected.scopes:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        connection.scope["route"] = self.route
        cache: BodyCache = connection.app.state.cache
        key = self.route.key(expected.organization_id, asked.object_id)
        lookup = cache.begin(key)
        principal = await admitted_as(expected, connection, asked.credential)
        if principal is None:
            return None
        found = await cache.get(key, begun=lookup)
        if isinstance(found, Miss):
            connection.state.missed = found
            return await self.route.load(connection, principal, asked.object_id, found)
        return found if self.route.may_read(principal, found) else None


async def admitted_as(
    expected: Principal, connection: HTTPConnection, credential: str, *, also: Sequence[Limit] = ()
) -> Principal | None:
    """Asks in this turn of the loop whether it still lives and whether its limits allow it; counts it.

    `also` are the route's own limits, which then counts them no more. None where it stands for somebody else
    by now: for them it is counted too, but theirs is the route.
    """
    limiter: AsyncLimiter = connection.app.state.limiter
    hits = principal_hits(expected, also=also)
    count = limiter.begin(hits)
    principal = await admit(connection, credential)
    # Nearly always it is the very same, whose fields need no look.
    if principal is not expected and principal != expected:
        await limiter.enforce_principal(connection, principal)
        return None
    limiter.settle(connection, await count.verdict(), hits)
    connection.state.counted_limits = also
    return principal


def missed(request: Request) -> Miss | None:
    """What was looked for here and not found: the route need not look again."""
    found: Miss | None = getattr(request.state, "missed", None)
    return found


def credential_and_condition(scope: ConnectionScope) -> tuple[str, str | None] | None:
    sent = [(name, value) for name, value in scope["headers"] if name in READ_BY_US]
    headers = dict(sent)
    if len(headers) != len(sent) or (b"authorization" in headers) == (b"x-api-key" in headers):
        return None
    credential = headers.get(b"x-api-key") or _bearer(headers[b"authorization"])
    condition = headers.get(b"if-none-match")
    if not credential or (condition is not None and len(condition) > MAX_CONDITION_BYTES):
        return None
    return credential.decode("latin-1"), None if condition is None else condition.decode("latin-1")


def _bearer(header: bytes) -> bytes:
    return header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else b""
