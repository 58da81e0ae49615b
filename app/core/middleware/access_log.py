"""One line a request: what was asked, what came of it, who asked, by ids alone.

Never a query string, a body, an address or a path: a path holds ids, share links, whatever somebody typed.
docs/observability.md lists the fields.
"""

import logging
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http import state_of
from app.core.logging import line_logger
from app.core.principal import Principal

logger = line_logger("app.access")

# Probes and scrapes come every few seconds: at INFO they would be most of the log.
QUIET_PATHS = frozenset({"/ping", "/health", "/health/ready", "/metrics"})
SERVER_ERROR = 500
SWITCHING_PROTOCOLS = 101
STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
# Nobody is to invent a method a line.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
ANONYMOUS = {"principal": "anonymous"}
REFUSED_SOCKET = 403  # what a server answers to a handshake that is closed unaccepted


class AccessLogMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        seen = Answer()

        async def counting_send(message: Message) -> None:
            seen.note(message)
            await send(message)

        try:
            await self.app(scope, receive, counting_send)
        finally:
            level = logging.DEBUG if scope["path"] in QUIET_PATHS else logging.INFO
            logger.line(level, "request", describe(scope) | seen.fields())


class Answer:
    """What left: of a web socket its handshake's status and the bytes of its messages."""

    __slots__ = ("_began", "_bytes", "_status")

    def __init__(self) -> None:
        self._began = perf_counter()
        self._status = SERVER_ERROR
        self._bytes = 0

    def note(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            self._bytes += len(message.get("body", b""))
            return
        if kind in STARTS:
            self._status = message["status"]
        elif kind == "websocket.accept":
            self._status = SWITCHING_PROTOCOLS
        elif kind == "websocket.close" and self._status != SWITCHING_PROTOCOLS:
            self._status = REFUSED_SOCKET
        self._bytes += len(message.get("body") or message.get("bytes") or b"")
        self._bytes += len((message.get("text") or "").encode())

    def fields(self) -> dict[str, Any]:  # Any: log fields
        milliseconds = round((perf_counter() - self._began) * 1000, 1)
        return {"status": self._status, "ms": milliseconds, "bytes": self._bytes}


def describe(scope: Scope) -> dict[str, Any]:  # Any: log fields
    state = state_of(scope)
    fields: dict[str, Any] = {"method": _method(scope), "route": route_template(scope)}  # Any: as above
    if "problem_code" in state:
        fields["code"] = state["problem_code"]
    principal: Principal | None = state.get("principal")
    fields.update(ANONYMOUS if principal is None else principal.in_log)
    return fields


def _method(scope: Scope) -> str:
    if scope["type"] == "websocket":
        return "WEBSOCKET"
    return scope["method"] if scope["method"] in METHODS else "OTHER"


def route_template(scope: Scope) -> str | None:
    """`/api/v1/items/{id}`; `scope["route"].path` has lost its router's prefix (FastAPI >= 0.137)."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    # A WebSocket's context has no path, its route the whole of it.
    path: str | None = getattr(context, "path", None) or getattr(scope.get("route"), "path", None)
    return path
