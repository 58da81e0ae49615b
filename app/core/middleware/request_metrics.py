"""The instrumentator's middleware, which here names a request after it was answered.

Its own asks every route whether it matches before the routes are asked for the answer: half a millisecond.
What routing found stands in the scope; where nothing does (a refusal, an unknown path), routes are asked.
"""

from time import perf_counter
from typing import Any

from prometheus_fastapi_instrumentator.middleware import PrometheusInstrumentatorMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from app.core.middleware.access_log import SERVER_ERROR, route_template
from app.core.raw_headers import first_header
from app.core.request_metrics import NO_HANDLER, Answered, count_request

CONTENT_LENGTH = b"content-length"


class Start:
    """How an answer began; where it never did, the server answers with 500."""

    __slots__ = ("at", "length", "status")

    def __init__(self) -> None:
        self.status: int = SERVER_ERROR
        self.length = 0
        self.at: float | None = None

    def note(self, message: Message) -> None:
        self.status = message["status"]
        self.length = int(first_header(message["headers"], CONTENT_LENGTH) or 0)
        self.at = perf_counter()


class RequestMetricsMiddleware(PrometheusInstrumentatorMiddleware):
    def __init__(self, app: ASGIApp, /, **options: Any) -> None:  # Any: the instrumentator's own
        super().__init__(app, **options)
        self._excluded_templates: dict[str, bool] = {}

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, start = perf_counter(), Start()

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.note(message)
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        finally:
            self._count(scope, start, seconds=start.at - began if start.at is not None else 0.0)

    @override
    def _is_handler_excluded(self, handler: str, is_templated: bool) -> bool:
        """Of each route once: its own searches for all patterns each time."""
        if not is_templated:
            return bool(super()._is_handler_excluded(handler, is_templated))
        known = self._excluded_templates.get(handler)
        if known is None:
            known = bool(super()._is_handler_excluded(handler, is_templated))
            self._excluded_templates[handler] = known
        return known

    def _count(self, scope: Scope, start: Start, *, seconds: float) -> None:
        template = route_template(scope)
        handler, is_templated = (template, True) if template else self._get_handler(Request(scope))
        if self._is_handler_excluded(handler, is_templated):
            return
        count_request(
            Answered(
                scope["method"],
                handler if is_templated else NO_HANDLER,
                str(int(start.status)),
                int(first_header(scope["headers"], CONTENT_LENGTH) or 0),
                start.length,
                seconds,
            )
        )
