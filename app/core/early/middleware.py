"""Innermost, where a route would be: what it answers and what it raises passes all that a route's does."""

from collections.abc import Sequence
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send


class EarlyRoute(Protocol):
    """`path` is the route's own template, by which the log and the figures name a request."""

    @property
    def path(self) -> str: ...

    def is_meant(self, scope: Scope) -> bool:
        """By method and path alone."""

    async def serve(self, scope: Scope, receive: Receive, send: Send, *, route: ASGIApp) -> None:
        """Answers, or has done nothing yet that the route would do again, and hands on to it."""


class EarlyAnswersMiddleware:
    def __init__(self, app: ASGIApp, *, routes: Sequence[EarlyRoute]) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self.routes:
                if route.is_meant(scope):
                    await route.serve(scope, receive, send, route=self.app)
                    return
        await self.app(scope, receive, send)
