"""In production http leads to https, at the public address and never at the Host that was sent."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Probes and Prometheus come from inside, past the proxy that speaks TLS.
EXEMPT_PATHS = frozenset({"/ping", "/health", "/health/ready", "/metrics"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpsRedirectMiddleware:
    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self.public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["scheme"] == "https" or scope["path"] in EXEMPT_PATHS:
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        url = self.public_url + scope["path"] + (f"?{query}" if query else "")
        # Both keep the method; 308 also tells a client that writes to change its configuration for good.
        status = 307 if scope["method"] in SAFE_METHODS else 308
        await RedirectResponse(url, status_code=status)(scope, receive, send)
