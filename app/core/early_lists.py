"""The first look at a list, and its next pages, answered before routing where whoever asks is known.

Two dozen query parameters cost more than the page that they narrow. So a list that none of them narrows is
answered here as the route would; any other question, and whoever is somebody else by now, is the route's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from app.core.guard import expected_principal
from app.core.page_query import plain_page_request
from app.core.pagination import PageRequest
from app.core.principal import Principal, Scope
from app.core.warm_reads import admitted_as, credential_and_condition


@dataclass(frozen=True, slots=True)
class EarlyList:
    """`path` is the whole of the route's."""

    path: str
    needs: Scope
    answer: Callable[[HTTPConnection, Principal, PageRequest], Awaitable[Response]]


class EarlyListsMiddleware:
    def __init__(self, app: ASGIApp, *, route: EarlyList) -> None:
        self.app = app
        self.route = route

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        asked = self._read(scope)
        answer = await self._answer(HTTPConnection(scope), asked) if asked else None
        await (answer or self.app)(scope, receive, send)

    def _read(self, scope: ConnectionScope) -> PageRequest | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != self.route.path:
            return None
        return plain_page_request(scope["query_string"])

    async def _answer(self, connection: HTTPConnection, request: PageRequest) -> Response | None:
        credential, _ = credential_and_condition(connection.scope) or (None, None)
        expected = expected_principal(connection, credential) if credential else None
        if credential is None or expected is None or self.route.needs not in expected.scopes:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        connection.scope["route"] = self.route
        principal = await admitted_as(expected, connection, credential)
        return await self.route.answer(connection, principal, request) if principal else None
