"""What a credential stands for, remembered for one second from the moment before PostgreSQL was asked.

The truth is PostgreSQL. That second bounds what a lost invalidation can do, so that a revocation holds within
two on every worker, with Redis frozen, flushed or gone (decision 0012). It is counted on Redis' own clock
from before the read: a reader that was slow to store what it had read, or whose command lay in the socket of
a frozen Redis until that woke up, stores something that has already expired.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from app.core.bounded import Bounded
from app.core.principal import Principal
from app.core.redis import RedisClient, RedisDownError
from app.core.single_flight import SingleFlight

LIFETIME_SECONDS = 1
# Of each of two memories, about 10 MiB a process at most; beyond it the oldest make room.
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
        self._entries: Bounded[str, tuple[float, Principal]] = Bounded(max_entries)

    def get(self, credential: str) -> Principal | None:
        read_at, principal = self._entries.get(credential, (0.0, None))
        return principal if self._clock() - read_at < LIFETIME_SECONDS else None

    def put(self, credential: str, principal: Principal, *, read_at: float) -> None:
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
        self._parsed: Bounded[str, tuple[bytes, Principal]] = Bounded(max_local_entries)
        self._loads: SingleFlight[Principal] = SingleFlight()

    def expected(self, credential: str) -> Principal | None:
        """What it stood for when Redis last knew: a guess, which whoever acts on it must ask about."""
        _, principal = self._parsed.get(credential, (b"", None))
        return principal

    async def fetch(self, credential: str, load: Callable[[], Awaitable[Principal]]) -> Principal:
        """What is remembered of this credential, else what `load` reads from PostgreSQL (or raises)."""
        try:
            known = self._parse(credential, await self._look_up(credential))
        except RedisDownError:
            known = self._local.get(credential) if self._redis.is_open else None
        if known is not None:
            return known
        return await self._loads.fetch(credential, partial(self._load, credential, load))

    async def _load(self, credential: str, load: Callable[[], Awaitable[Principal]]) -> Principal:
        moment = await self._moment()
        try:
            principal = await load()
        except BaseException:
            # Until it is known what became of it, the former guess is the best.
            self._parsed.pop(credential, None)
            raise
        await self._store(credential, principal, moment)
        return principal

    async def forget(self, *credentials: str) -> None:
        """After the commit that revoked them. Where this fails, the lifetime does it."""
        for credential in credentials:
            self._local.forget(credential)
            self._parsed.pop(credential, None)
        if not credentials:
            return
        try:
            await self._redis.run(lambda redis: redis.delete(*map(_key, credentials)))
        except RedisDownError:
            logger.warning("revocation not announced: redis is down; it holds within %s s", LIFETIME_SECONDS)

    async def _look_up(self, credential: str) -> bytes | None:
        (cached,) = await self._redis.ask(("GET", _key(credential))).answers()
        self._local.clear()
        found: bytes | None = cached
        return found

    async def _moment(self) -> Moment:
        before = self._clock()
        try:
            (now,) = await self._redis.ask(("TIME",)).answers()
        except RedisDownError:
            return Moment(before, None)
        seconds, microseconds = now
        return Moment(before, int(seconds) * 1000 + int(microseconds) // 1000)

    def _parse(self, credential: str, cached: bytes | None) -> Principal | None:
        """The same bytes say the same as the last time."""
        if not cached:
            return None
        read, principal = self._parsed.get(credential, (b"", None))
        if principal is None or read != cached:
            principal = _parse(cached)
            if principal is not None:
                self._parsed[credential] = (cached, principal)
        return principal

    async def _store(self, credential: str, principal: Principal, moment: Moment) -> None:
        if moment.redis_milliseconds is None:
            if self._redis.is_open:
                self._local.put(credential, principal, read_at=moment.local_seconds)
            return
        value, expiry = ADAPTER.dump_json(principal), moment.redis_milliseconds + LIFETIME_SECONDS * 1000
        self._parsed[credential] = (value, principal)
        try:
            await self._redis.run(lambda redis: redis.set(_key(credential), value, pxat=expiry))
        except RedisDownError:
            logger.debug("principal not cached: redis is down")


def _parse(cached: bytes) -> Principal | None:
    try:
        return ADAPTER.validate_json(cached)
    except ValidationError:
        # Written by another version of this code: PostgreSQL knows.
        return None


@lru_cache(LOCAL_ENTRIES)
def session_name(session_id: UUID) -> str:
    """What a bearer token's session is remembered under."""
    return f"session:{session_id}"


def api_key_name(digest: bytes) -> str:
    """What an API key is remembered under: never the key itself."""
    return f"api_key:{digest.hex()}"


def _key(credential: str) -> str:
    return f"principal:{credential}"
