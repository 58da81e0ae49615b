"""RateLimit-Policy and RateLimit (IETF httpapi draft) and X-RateLimit-* on every answer that was counted."""

import time
from collections.abc import Callable
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.gcra import Quota
from app.core.limit_verdict import STATE_KEY, Verdict
from app.core.raw_headers import put_headers

NAMES = ("RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
RAW_NAMES = tuple(name.lower().encode() for name in NAMES)
# As many as there are limits, plans and rates of API keys.
POLICIES = 1024


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
            if message["type"] == "http.response.start" and (verdict := state.get(STATE_KEY)) is not None:
                told = rate_limit_values(verdict, now=self._clock())
                put_headers(message, [*zip(RAW_NAMES, map(str.encode, told), strict=True)])
            await send(message)

        await self._app(scope, receive, send_with_headers)


def rate_limit_values(verdict: Verdict, *, now: float) -> tuple[str, ...]:
    """In the order of NAMES.

    X-RateLimit-Reset is in seconds since 1970, as GitHub's; the draft's `t` is in seconds from now.
    """
    outcomes, tightest = verdict.outcomes, verdict.tightest
    return (
        ", ".join([_policy(outcome.name, outcome.quota) for outcome in outcomes]),
        ", ".join([f'"{o.name}";r={o.level.remaining};t={o.reset_seconds}' for o in outcomes]),
        str(tightest.quota.amount),
        str(tightest.level.remaining),
        str(int(now) + tightest.reset_seconds),
    )


@lru_cache(POLICIES)
def _policy(name: str, quota: Quota) -> str:
    return f'"{name}";q={quota.amount};w={quota.period_seconds}'
