"""Every request has an id and a trace, in its log lines; the id in its answer and error report too."""

import re
from time import monotonic

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.ids import new_id
from app.core.origin import REQUEST_ID, TRACEPARENT, arriving

HEADER = REQUEST_ID
# Anything else could forge log lines or grow them without bound.
_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get(HEADER, "")
        request_id = sent if _SANE.fullmatch(sent) else str(new_id())
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        # What a refresh compares with the last rotation: who was under way before it could not know.
        state["arrived_at"] = monotonic()

        async def timed_receive() -> Message:
            # A body has arrived with its last byte: whoever holds it back chose its token after the rotation.
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                state["arrived_at"] = monotonic()
            return message

        async def send_with_id(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with arriving(request_id, headers.get(TRACEPARENT)):
            await self.app(scope, timed_receive, send_with_id)
