"""What browsers are told (OWASP Secure Headers). An answer that sets one of these itself keeps its own."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.raw_headers import RawHeader, add_absent

# JSON needs nothing; a page that shows something names what it needs in a header of its own.
STRICT_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HSTS = "max-age=63072000; includeSubDomains"
API_PREFIX = "/api/"

ALWAYS = {
    "Content-Security-Policy": STRICT_CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

ONCE_SECURE = {"Strict-Transport-Security": HSTS}
OF_THE_API = {"Cache-Control": "no-store"}


class SecurityHeadersMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        defaults = defaults_for(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_absent(message, defaults)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def defaults_for(scope: Scope) -> tuple[RawHeader, ...]:
    return DEFAULTS[scope["scheme"] == "https", scope["path"].startswith(API_PREFIX)]


def _raw(headers: Mapping[str, str]) -> tuple[RawHeader, ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


# By whether it came by https (over http HSTS would be ignored, or sent by someone else), and to the API.
DEFAULTS = {
    (is_secure, is_api): _raw(ALWAYS | (ONCE_SECURE if is_secure else {}) | (OF_THE_API if is_api else {}))
    for is_secure in (False, True)
    for is_api in (False, True)
}
