"""The middleware, and the one place that fixes its order.

All of it is pure ASGI: a BaseHTTPMiddleware costs more than the rest of a small request together.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.core.middleware.access_log import AccessLogMiddleware
from app.core.middleware.body_limit import BodyLimitMiddleware, BodyLimits
from app.core.middleware.gzip import QuickGZipMiddleware
from app.core.middleware.head import HeadMiddleware
from app.core.middleware.hosts import AllowedHostsMiddleware
from app.core.middleware.https_redirect import HttpsRedirectMiddleware
from app.core.middleware.query_secrets import QuerySecretsMiddleware
from app.core.middleware.request_id import RequestIdMiddleware
from app.core.middleware.request_metrics import RequestMetricsMiddleware
from app.core.middleware.security_headers import SecurityHeadersMiddleware
from app.core.middleware.trailing_slash import TrailingSlashMiddleware
from app.core.middleware.unhandled import UnhandledErrorMiddleware
from app.core.request_metrics import instrumentator_options
from app.settings import Settings

NO_LIMITS: BodyLimits = {}
GZIP_MINIMUM_BYTES = 1024
# Level 9 costs three times level 5 for one per cent less.
GZIP_LEVEL = 5
# What a script of another origin may read besides the body.
EXPOSED_HEADERS = (
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "Idempotent-Replayed",
)


def install_middleware(
    app: FastAPI,
    settings: Settings,
    *,
    inner: Sequence[Middleware] = (),
    innermost: Sequence[Middleware] = (),
    body_limits: BodyLimits = NO_LIMITS,
) -> None:
    """`inner` stands where every route passes and a problem document still gets all headers.

    `innermost` answers in a route's stead: what it raises is rendered as a route's. `body_limits`: of those
    that take more than most.
    """
    outermost_first = [*_outermost_first(settings, inner, body_limits), *innermost]
    for middleware in reversed(outermost_first):
        app.add_middleware(middleware.cls, *middleware.args, **middleware.kwargs)


def _outermost_first(
    settings: Settings, inner: Sequence[Middleware], body_limits: BodyLimits
) -> list[Middleware]:
    return [
        # Before all: whoever looks at the path, by route or by table, sees the one form of it.
        Middleware(TrailingSlashMiddleware),
        # Before anything that answers or logs, so that every answer and every line has the id.
        Middleware(RequestIdMiddleware),
        # Outside of what refuses: a refusal is logged too, with the bytes that really left (after gzip).
        Middleware(AccessLogMiddleware),
        # Outside of what refuses, for the same reason: a refusal is an answer to a browser.
        Middleware(SecurityHeadersMiddleware),
        # Counts refusals; inside the two above because their microseconds are not the route's.
        Middleware(RequestMetricsMiddleware, **instrumentator_options()),
        # The cheap refusals, before any work. The host first: a redirect answers only to our names.
        Middleware(AllowedHostsMiddleware, allowed=settings.allowed_hosts),
        *_https(settings),
        # Outside of every problem a route can raise: without its headers a script could not read them.
        *_cors(settings),
        # Outside of what counts a body's length anew; from here on a HEAD is a GET.
        Middleware(HeadMiddleware),
        # Outside of all that writes bodies.
        Middleware(QuickGZipMiddleware, minimum_size=GZIP_MINIMUM_BYTES, compresslevel=GZIP_LEVEL),
        # Inside of what lets a script read the refusal.
        Middleware(QuerySecretsMiddleware),
        *inner,
        # Innermost but one: its refusal of a growing body is raised inside the route and rendered there.
        Middleware(BodyLimitMiddleware, limits=body_limits),
        # Around whatever answers: a 500 passes everything above and looks like any answer.
        Middleware(UnhandledErrorMiddleware),
    ]


def _https(settings: Settings) -> list[Middleware]:
    if not settings.is_production_like:
        return []
    return [Middleware(HttpsRedirectMiddleware, public_url=settings.base_url)]


def _cors(settings: Settings) -> list[Middleware]:
    """Off unless origins are named. Other origins send headers, never our cookies: no allow_credentials."""
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
    ]
