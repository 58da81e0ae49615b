"""What is sent is, message for message, what Starlette's own middleware sends."""

from copy import deepcopy

import pytest
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Message, Receive, Scope, Send

from app.core.middleware.gzip import QuickGZipMiddleware

pytestmark = pytest.mark.unit
MINIMUM = 100


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", str(number).encode()


async def sent_by(
    middleware: type[GZipMiddleware], messages: list[Message], accepted: bytes
) -> list[Message]:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(deepcopy(message))

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append({**message})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "headers": [(b"accept-encoding", accepted)] if accepted else []}
    await middleware(app, minimum_size=MINIMUM)(scope, receive, send)
    return sent


@pytest.mark.parametrize("accepted", [b"", b"br", b"gzip, br"])
@pytest.mark.parametrize(
    "messages",
    [
        [start(length(5)), body(b"small")],
        [start(length(0)), body(b"")],
        [start(status=304), body(b"")],
        [start(status=204), body(b"")],
        [start(length(5)), body(b"small"), {"type": "http.response.trailers", "headers": []}],
        [start(length(5)), body(b"sma", more=True), body(b"ll")],
        [start(length(5)), body(b"longer than it says" * 20)],
        [start(length(500)), body(b"x" * 500)],
        [start(length(5), (b"content-encoding", b"br")), body(b"small")],
        [start(length(5), (b"content-type", b"image/png")), body(b"small")],
        [start(length(5), status=206), body(b"small")],
        [start((b"content-type", b"text/event-stream")), body(b"data: 1\n\n", more=True), body(b"")],
        [start(), body(b"no length")],
        [{"type": "http.response.early_hint", "links": []}, start(length(5)), body(b"small")],
    ],
    ids=range(14),
)
async def test_it_sends_what_starlettes_own_sends(messages: list[Message], accepted: bytes) -> None:
    theirs = await sent_by(GZipMiddleware, messages, accepted)
    assert await sent_by(QuickGZipMiddleware, messages, accepted) == theirs


async def test_event_stream_begins_before_its_first_event() -> None:
    messages = [start((b"content-type", b"text/event-stream"))]
    assert await sent_by(QuickGZipMiddleware, messages, b"gzip") == messages


async def test_what_is_no_http_request_passes() -> None:
    passed = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    async def nothing(*_: Message) -> Message:
        return {}

    await QuickGZipMiddleware(app)({"type": "websocket"}, nothing, nothing)  # type: ignore[arg-type]  # unused
    assert passed == ["websocket"]
