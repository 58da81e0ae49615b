"""One line a request: what was asked, what came of it, who asked. Never a query string, never a body."""

from time import perf_counter
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http import state_of
from app.core.principal import Principal

logger: structlog.stdlib.BoundLogger = structlog.get_logger("app.access")

# Probes and scrapes come every few seconds: at INFO they would be most of the log.
QUIET_PATHS = frozenset({"/ping", "/health", "/health/ready", "/metrics"})
MAX_PATH_LENGTH = 200
SERVER_ERROR = 500


class AccessLogMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, size = perf_counter(), SERVER_ERROR, 0

        async def counting_send(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counting_send)
        finally:
            milliseconds = round((perf_counter() - started) * 1000, 1)
            line = {"status": status, "ms": milliseconds, "bytes": size, **describe(scope)}
            log = logger.debug if scope["path"] in QUIET_PATHS else logger.info
            log("request", **line)


def describe(scope: Scope) -> dict[str, Any]:  # Any: log fields
    client = scope.get("client")
    fields = {"method": scope["method"], "client": client[0] if client else None}
    route = route_template(scope)
    # A path that matched holds ids and share secrets; its template does not. One that did not match may help.
    fields |= {"route": route} if route else {"route": None, "path": scope["path"][:MAX_PATH_LENGTH]}
    state = state_of(scope)
    if "problem_code" in state:
        fields["code"] = state["problem_code"]
    return fields | _caller(state.get("principal"))


def route_template(scope: Scope) -> str | None:
    """`/api/v1/items/{id}`; `scope["route"].path` has lost its router's prefix (FastAPI >= 0.137)."""
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path: str | None = getattr(context, "path", None)
    return path


def _caller(principal: Principal | None) -> dict[str, str]:
    if principal is None:
        return {}
    return {
        "principal": principal.kind,
        "user_id": str(principal.user_id),
        "organization_id": str(principal.organization_id),
        "credential_id": str(principal.credential_id),
    }
