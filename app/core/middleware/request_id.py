"""Every request has an id and a trace, in its log lines; the id in its answer and error report too."""

import re
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.ids import new_id_text
from app.core.origin import REQUEST_ID, TRACEPARENT, Arriving
from app.core.raw_headers import first_header, put_headers

HEADER = REQUEST_ID.lower().encode()
TRACE_HEADER = TRACEPARENT.encode()
# Anything else could forge log lines or grow them without bound.
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")


STARTS = frozenset({"http.response.start", "websocket.http.response.start"})


class RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        sent = first_header(scope["headers"], HEADER) or b""
        request_id = sent.decode() if _SANE.fullmatch(sent) else new_id_text()
        told = [(HEADER, request_id.encode())]
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        # What a refresh compares with the last rotation: who was under way before it could not know.
        state["arrived_at"] = monotonic()

        async def timed_receive() -> Message:
            # A body has arrived with its last byte: whoever holds it back chose its token after the rotation.
            # Of any part of it, as not all who read it wait to be told that it was the last.
            message = await receive()
            if message["type"] == "http.request":
                state["arrived_at"] = monotonic()
            return message

        async def send_with_id(message: Message) -> None:
            if message["type"] in STARTS:
                put_headers(message, told)
            await send(message)

        traceparent = first_header(scope["headers"], TRACE_HEADER)
        with Arriving(request_id, traceparent.decode("latin-1") if traceparent else None):
            await self.app(scope, timed_receive, send_with_id)
