"""Rate limits: slowapi's limiter with its counting moved off the event loop's back and into one Lua script.

slowapi's own check talks to Redis synchronously (it freezes every request of the worker) and answers 500
without Redis; its middlewares silently skip every included router. None of the three is used here: a route
names its limit with `limited(...)`, the guard counts the caller's organisation, both end in `enforce`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from fastapi import Depends, params
from limits import RateLimitItem
from prometheus_client import Counter
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from slowapi.wrappers import Limit as SlowapiLimit
from starlette.requests import HTTPConnection, Request
from typing_extensions import override

from app.core.errors import RateLimitedError
from app.core.gcra import Bucket, Level, LocalBuckets
from app.core.gcra_script import Check, GcraScript
from app.core.http import client_network
from app.core.limit_table import PER_PLAN, Hit, Limit
from app.core.limit_verdict import STATE_KEY, Outcome, Verdict
from app.core.principal import Principal
from app.core.redis import RedisClient, RedisDownError
from app.core.refusals import RefusalKind, tell_refusal
from app.settings import Settings

__all__ = [
    "AsyncLimiter",
    "Hit",
    "Limit",
    "address_of",
    "limited",
    "principal_hits",
    "refuse_unless_allowed",
]

RATELIMIT_DEGRADED = Counter(
    "precis_ratelimit_degraded", "Checks counted in this process alone, because Redis did not answer."
)
RATELIMIT_CHECKED = Counter("precis_ratelimit_checked", "Checks, whatever they came to, by limit.", ["limit"])
RATELIMIT_REFUSED = Counter("precis_ratelimit_refused", "Requests refused, by limit.", ["limit"])
# Bound once: they stand in the way of every request; and there at 0 before the first.
_CHECKED = {limit: RATELIMIT_CHECKED.labels(limit) for limit in Limit}
_REFUSED = {limit: RATELIMIT_REFUSED.labels(limit) for limit in Limit}


def address_of(connection: HTTPConnection) -> str:
    """Who is at the other end of the connection, as the server sees it (uvicorn believes only the proxy)."""
    return client_network(connection.scope.get("client"))


class Count(NamedTuple):
    """`locally` counts where Redis does not."""

    hits: Sequence[Hit]
    buckets: Sequence[Bucket]
    check: Check
    locally: Callable[[Sequence[Bucket]], list[Level]]

    async def verdict(self) -> Verdict:
        try:
            levels = await self.check.levels()
        except RedisDownError:
            levels = self.locally(self.buckets)
        rows = zip(self.hits, self.buckets, levels, strict=True)
        return Verdict(tuple([Outcome(str(hit.limit), bucket.quota, level) for hit, bucket, level in rows]))


class AsyncLimiter(Limiter):
    def __init__(
        self, client: RedisClient, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(key_func=address_of, key_style="endpoint", storage_uri="memory://")
        self._script = GcraScript(client)
        self._local = LocalBuckets(clock=clock)
        self._scale = settings.rate_limit_scale
        self._workers = settings.web_concurrency

    def begin(self, hits: Sequence[Hit]) -> "Count":
        """A check that is on its way: counts all hits, or none where one of them is refused."""
        buckets = [hit.bucket(self._scale) for hit in hits]
        for hit in hits:
            _CHECKED[hit.limit].inc()
        return Count(hits, buckets, self._script.begin(buckets), self._locally)

    async def check(self, hits: Sequence[Hit]) -> Verdict:
        """As `begin`, and its end."""
        return await self.begin(hits).verdict()

    async def enforce(self, connection: HTTPConnection, hits: Sequence[Hit]) -> None:
        """Also leaves the verdict for RateLimitHeadersMiddleware.

        Raises:
            RateLimitedError: with Retry-After, naming the limit; its cause is slowapi's RateLimitExceeded.
        """
        self.settle(connection, await self.check(hits), hits)

    @staticmethod
    def settle(connection: HTTPConnection, verdict: Verdict, hits: Sequence[Hit]) -> None:
        """What `enforce` does once these hits are counted."""
        state = connection.scope.setdefault("state", {})
        state[STATE_KEY] = verdict.after(state.get(STATE_KEY))
        if not verdict.allowed:
            tell_refusal(connection, RefusalKind.LIMIT, name=verdict.tightest.name)
        refuse_unless_allowed(verdict, hits)

    async def enforce_principal(self, connection: HTTPConnection, principal: Principal) -> None:
        """Its organisation, its API key's own rate, and what the route named, in one check."""
        await self.enforce(connection, principal_hits(principal, also=_announced(connection)))

    async def grant(self, limit: Limit, principal: Principal, *, wanted: int) -> int:
        """How many of so many at once the limit of its organisation lets through; each is counted."""
        hit = _principal_hit(limit, principal)
        verdicts = await asyncio.gather(*(self.check([hit]) for _ in range(wanted)))
        return sum(verdict.allowed for verdict in verdicts)

    def _locally(self, buckets: Sequence[Bucket]) -> list[Level]:
        RATELIMIT_DEGRADED.inc()
        share = 1 / self._workers
        return self._local.check([Bucket(b.key, b.quota.scaled(share)) for b in buckets])

    @override
    def get_app_config(self, key: str, default_value: Any = None) -> Any:  # Any: as slowapi's own
        """No RATELIMIT_* from the environment or a stray .env: settings.py is the one place."""
        return default_value

    @override
    def limit(self, *_: Any, **__: Any) -> NoReturn:  # Any: whatever slowapi's decorators are given
        """Refused: slowapi's decorators would count in this process's memory only, and block the loop."""
        raise TypeError("a route names its limit with dependencies=[limited(Limit....)]")

    shared_limit = limit


def refuse_unless_allowed(verdict: Verdict, hits: Sequence[Hit]) -> None:
    """Raises RateLimitedError, as `AsyncLimiter.enforce` does, where no request is at hand."""
    if verdict.allowed:
        return
    tightest = verdict.tightest
    hit = next(hit for hit in hits if hit.limit == tightest.name)
    _REFUSED[hit.limit].inc()
    raise _refusal(tightest) from RateLimitExceeded(_as_slowapi(hit.rate))


def principal_hits(principal: Principal, *, also: Sequence[Limit] = ()) -> list[Hit]:
    hits = [_principal_hit(limit, principal) for limit in (Limit.ORGANIZATION, *also)]
    if principal.rate_limit is not None:
        key = str(principal.credential_id)
        hits.append(Hit(Limit.API_KEY, principal.tenant, key, per_minute=principal.rate_limit))
    return hits


def _principal_hit(limit: Limit, principal: Principal) -> Hit:
    return Hit(limit, principal.tenant, plan=principal.plan)


@dataclass(frozen=True, slots=True)
class RouteLimit:
    """The dependency behind `limited`; a table test reads `limit` off the route."""

    limit: Limit

    async def __call__(self, request: Request) -> None:
        limiter: AsyncLimiter = request.app.state.limiter
        if self.limit not in PER_PLAN:
            await limiter.enforce(request, [Hit(self.limit, address_of(request))])
            return
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:
            # FastAPI runs a route line's dependencies before the guard, which counts it with its own.
            request.state.announced_limits = (*_announced(request), self.limit)
        elif self.limit not in getattr(request.state, "counted_limits", ()):
            await limiter.enforce(request, [_principal_hit(self.limit, principal)])


def limited(limit: Limit) -> params.Depends:
    """For the route's line: `dependencies=[limited(Limit.LOGIN)]`.

    A limit per plan is counted for the caller's organisation, any other for the client's address.
    """
    dependency: params.Depends = Depends(RouteLimit(limit))
    return dependency


def _announced(connection: HTTPConnection) -> tuple[Limit, ...]:
    announced: tuple[Limit, ...] = getattr(connection.state, "announced_limits", ())
    return announced


def _refusal(outcome: Outcome) -> RateLimitedError:
    quota = outcome.quota
    detail = f"The limit {outcome.name!r} of {quota.amount} per {quota.period_seconds} seconds is reached"
    return RateLimitedError(detail, headers={"Retry-After": str(outcome.retry_seconds)})


def _as_slowapi(rate: RateLimitItem) -> SlowapiLimit:
    return SlowapiLimit(
        rate,
        key_func=address_of,
        scope=None,
        per_method=False,
        methods=None,
        error_message=None,
        exempt_when=None,
        cost=1,
        override_defaults=True,
    )
