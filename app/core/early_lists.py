"""Pages of a list, answered before routing where whoever asks is known.

Two dozen query parameters cost more than the page that they narrow. So where a glance at the query string
tells what is asked, it is answered here as the route would; any other question, and whoever is somebody else
by now, is the route's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from app.core.guard import expected_principal
from app.core.principal import Principal, Scope
from app.core.warm_reads import admitted_as, credential_and_condition

Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class EarlyList(Generic[Asked]):
    """`path` is the whole of the route's; `read` is given the query string, None where it is the route's."""

    path: str
    needs: Scope
    read: Callable[[bytes], Asked | None]
    answer: Callable[[HTTPConnection, Principal, Asked], Awaitable[Response]]


class EarlyListsMiddleware:
    def __init__(self, app: ASGIApp, *, route: EarlyList[Any]) -> None:  # Any: what it reads, it answers
        self.app = app
        self.route = route

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        asked = self._read(scope)
        answer = await self._answer(HTTPConnection(scope), asked) if asked else None
        await (answer or self.app)(scope, receive, send)

    def _read(self, scope: ConnectionScope) -> object:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != self.route.path:
            return None
        asked: object = self.route.read(scope["query_string"])
        return asked

    async def _answer(self, connection: HTTPConnection, asked: object) -> Response | None:
        credential, _ = credential_and_condition(connection.scope) or (None, None)
        expected = expected_principal(connection, credential) if credential else None
        if credential is None or expected is None or self.route.needs not in expected.scopes:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        connection.scope["route"] = self.route
        principal = await admitted_as(expected, connection, credential)
        return await self.route.answer(connection, principal, asked) if principal else None
