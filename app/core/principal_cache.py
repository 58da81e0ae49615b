"""What a credential stands for, remembered for one second from the moment before PostgreSQL was asked.

The truth is PostgreSQL. That second bounds what a lost invalidation can do, so that a revocation holds within
two on every worker, with Redis frozen, flushed or gone (security.md 3.3). It is counted on Redis' own clock
from before the read: a reader that was slow to store what it had read, or whose command lay in the socket of
a frozen Redis until that woke up, stores something that has already expired.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.core.principal import Principal
from app.core.redis import RedisClient, RedisDownError, pipelined

LIFETIME_SECONDS = 1
# At most about 10 MiB a process; beyond it the oldest make room.
LOCAL_ENTRIES = 10_000
ADAPTER = TypeAdapter(Principal)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """Just before PostgreSQL is asked: on this process's clock, and on Redis' (None: it did not answer)."""

    local_seconds: float
    redis_milliseconds: int | None


class LocalMemory:
    """This process's own second of memory, for as long as there is no Redis to share one."""

    def __init__(self, clock: Callable[[], float], *, max_entries: int = LOCAL_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._entries: dict[str, tuple[float, Principal]] = {}

    def get(self, credential: str) -> Principal | None:
        read_at, principal = self._entries.get(credential, (0.0, None))
        return principal if self._clock() - read_at < LIFETIME_SECONDS else None

    def put(self, credential: str, principal: Principal, *, read_at: float) -> None:
        self._entries.pop(credential, None)
        while len(self._entries) >= self._max_entries:
            del self._entries[next(iter(self._entries))]
        self._entries[credential] = (read_at, principal)

    def forget(self, credential: str) -> None:
        self._entries.pop(credential, None)

    def clear(self) -> None:
        self._entries.clear()


class PrincipalCache:
    def __init__(
        self,
        redis: RedisClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_local_entries: int = LOCAL_ENTRIES,
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._local = LocalMemory(clock, max_entries=max_local_entries)

    async def fetch(self, credential: str, load: Callable[[], Awaitable[Principal]]) -> Principal:
        """What is remembered of this credential, else what `load` reads from PostgreSQL (or raises)."""
        known, moment = await self._look_up(credential)
        if known is None and self._redis.is_open:
            known = self._local.get(credential)
        if known is not None:
            return known
        principal = await load()
        await self._store(credential, principal, moment)
        return principal

    async def forget(self, *credentials: str) -> None:
        """After the commit that revoked them. Where this fails, the lifetime does it."""
        for credential in credentials:
            self._local.forget(credential)
        if not credentials:
            return
        try:
            await self._redis.run(lambda redis: redis.delete(*map(_key, credentials)))
        except RedisDownError:
            logger.warning("revocation not announced: redis is down; it holds within %s s", LIFETIME_SECONDS)

    async def _look_up(self, credential: str) -> tuple[Principal | None, Moment]:
        before = self._clock()
        try:
            cached, now = await self._redis.run(lambda redis: _read(redis, credential))
        except RedisDownError:
            return None, Moment(before, None)
        self._local.clear()
        return _parse(cached), Moment(before, now)

    async def _store(self, credential: str, principal: Principal, moment: Moment) -> None:
        if moment.redis_milliseconds is None:
            if self._redis.is_open:
                self._local.put(credential, principal, read_at=moment.local_seconds)
            return
        value, expiry = ADAPTER.dump_json(principal), moment.redis_milliseconds + LIFETIME_SECONDS * 1000
        try:
            await self._redis.run(lambda redis: redis.set(_key(credential), value, pxat=expiry))
        except RedisDownError:
            logger.debug("principal not cached: redis is down")


async def _read(redis: Redis, credential: str) -> tuple[bytes | None, int]:
    """What is stored, and Redis' time in milliseconds, in one round trip."""
    cached, now = await pipelined(redis, ("GET", _key(credential)), ("TIME",))
    for answer in (cached, now):
        if isinstance(answer, ResponseError):
            raise answer
    seconds, microseconds = now
    return cached, int(seconds) * 1000 + int(microseconds) // 1000


def _parse(cached: bytes | None) -> Principal | None:
    try:
        return ADAPTER.validate_json(cached) if cached else None
    except ValidationError:
        # Written by another version of this code: PostgreSQL knows.
        return None


def session_name(session_id: UUID) -> str:
    """What a bearer token's session is remembered under."""
    return f"session:{session_id}"


def api_key_name(digest: bytes) -> str:
    """What an API key is remembered under: never the key itself."""
    return f"api_key:{digest.hex()}"


def _key(credential: str) -> str:
    return f"principal:{credential}"
