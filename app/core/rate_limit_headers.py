"""RateLimit-Policy and RateLimit (IETF httpapi draft) and X-RateLimit-* on every answer that was counted."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.limit_verdict import STATE_KEY, Verdict
from app.core.raw_headers import put_headers

NAMES = ("RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
RAW_NAMES = {name: name.lower().encode() for name in NAMES}


class RateLimitHeadersMiddleware:
    def __init__(self, app: ASGIApp, *, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Made here, so that whoever stores the verdict further in writes into the same dictionary.
        state = scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            verdict = state.get(STATE_KEY)
            if message["type"] == "http.response.start" and verdict is not None:
                told = rate_limit_headers(verdict, now=self._clock())
                put_headers(message, [(RAW_NAMES[name], value.encode()) for name, value in told.items()])
            await send(message)

        await self._app(scope, receive, send_with_headers)


def rate_limit_headers(verdict: Verdict, *, now: float) -> dict[str, str]:
    """X-RateLimit-Reset is in seconds since 1970, as GitHub's; the draft's `t` is in seconds from now."""
    tightest = verdict.tightest
    policies = [f'"{o.name}";q={o.quota.amount};w={o.quota.period_seconds}' for o in verdict.outcomes]
    levels = [f'"{o.name}";r={o.level.remaining};t={o.reset_seconds}' for o in verdict.outcomes]
    return {
        "RateLimit-Policy": ", ".join(policies),
        "RateLimit": ", ".join(levels),
        "X-RateLimit-Limit": str(tightest.quota.amount),
        "X-RateLimit-Remaining": str(tightest.level.remaining),
        "X-RateLimit-Reset": str(int(now) + tightest.reset_seconds),
    }
