"""Pages of a list, and how many it has: two dozen query parameters cost more than what they narrow.

So where a glance at the query string tells what is asked, it is answered here; all else is the route's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from app.core.early.admission import Caller
from app.core.principal import Principal, Scope

Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class EarlyList(Generic[Asked]):
    """`path` is the whole of the route's; `read` is given the query string, None where it is the route's."""

    path: str
    needs: Scope
    read: Callable[[bytes], Asked | None]
    answer: Callable[[HTTPConnection, Principal, Asked], Awaitable[Response]]

    def is_meant(self, scope: ConnectionScope) -> bool:
        return bool(scope["method"] == "GET" and scope["path"] == self.path)

    async def serve(self, scope: ConnectionScope, receive: Receive, send: Send, *, route: ASGIApp) -> None:
        asked = self.read(scope["query_string"])
        answer = None if asked is None else await self._answer(HTTPConnection(scope), asked)
        await (answer or route)(scope, receive, send)

    async def _answer(self, connection: HTTPConnection, asked: Asked) -> Response | None:
        caller = Caller.of(connection, needs=self.needs)
        if caller is None:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        connection.scope["route"] = self
        principal = await caller.admitted(connection)
        return await self.answer(connection, principal, asked) if principal else None
