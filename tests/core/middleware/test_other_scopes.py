"""Lifespan and web sockets travel through the same chain."""

from collections.abc import Callable
from functools import partial

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.middleware.access_log import AccessLogMiddleware
from app.core.middleware.body_limit import BodyLimitMiddleware
from app.core.middleware.hosts import AllowedHostsMiddleware
from app.core.middleware.https_redirect import HttpsRedirectMiddleware
from app.core.middleware.request_id import RequestIdMiddleware
from app.core.middleware.security_headers import SecurityHeadersMiddleware
from app.core.middleware.trailing_slash import TrailingSlashMiddleware
from app.core.middleware.unhandled import UnhandledErrorMiddleware
from tests.core.small_app import small_app, small_settings

pytestmark = pytest.mark.unit

CHAIN: list[Callable[[ASGIApp], ASGIApp]] = [
    TrailingSlashMiddleware,
    RequestIdMiddleware,
    AccessLogMiddleware,
    SecurityHeadersMiddleware,
    partial(AllowedHostsMiddleware, allowed=["api.example"]),
    partial(HttpsRedirectMiddleware, public_url="https://api.example"),
    partial(BodyLimitMiddleware, limits={}),
    UnhandledErrorMiddleware,
]


async def no_message() -> Message:
    return {"type": "websocket.connect"}


async def drop(_message: Message) -> None:
    return None


def socket_scope(host: bytes) -> Scope:
    headers = [(b"host", host)]
    return {
        "type": "websocket",
        "path": "/ws/",
        "raw_path": b"/ws/",
        "query_string": b"",
        "scheme": "ws",
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }


@pytest.mark.parametrize("middleware", CHAIN, ids=range(len(CHAIN)))
@pytest.mark.parametrize("scope", [{"type": "lifespan"}, socket_scope(b"api.example")])
async def test_what_is_no_http_request_passes(middleware: Callable[[ASGIApp], ASGIApp], scope: Scope) -> None:
    passed: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope)

    await middleware(app)(dict(scope), no_message, drop)
    assert len(passed) == 1


async def test_web_socket_of_an_unknown_host_is_refused_with_a_problem() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    app = small_app(small_settings(allowed_hosts=["api.example"]))
    await app(socket_scope(b"evil.example"), no_message, send)
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 400)
    assert b"x-request-id" in dict(sent[0]["headers"])
