"""What each site asks of programs, read once for all workers if short: kept in Redis, and in this process."""

import asyncio
import dataclasses
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from app.core.redis import RedisClient, RedisDownError
from app.reading.robots import RobotsFile, SmallFetcher, Standing, read_robots
from app.reading.urls import SubmittedUrl

# Whoever submits a page chooses the origins that are asked, a handful by redirects: in Redis they may take so
# little, and so shortly, that they drive no counter out of it.
MAX_SHARED_BYTES = 4 * 1024
LONGEST_SHARED_SECONDS = 3600
MAX_LOCAL_BYTES = 4 * 1024 * 1024
# Redis may have been told something newer by then.
LOCAL_SECONDS = 600
# Of an entry's own weight, beside its text.
ENTRY_BYTES = 200


class RobotsCache:
    """`clock` gives seconds."""

    def __init__(
        self, client: RedisClient, fetcher: SmallFetcher, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._fetcher = fetcher
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, RobotsFile]] = OrderedDict()
        self._weight = 0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, url: SubmittedUrl) -> RobotsFile:
        """Of the origin of `url`. Raises ReadingError where it cannot be reached."""
        origin = f"{url.scheme}://{url.authority}"
        # Many jobs for a site that nobody has asked yet ask it once.
        async with self._locks.setdefault(origin, asyncio.Lock()):
            found = self._recent(origin) or await self._shared(origin)
            if found is None:
                found = await read_robots(self._fetcher, _robots_url(url))
                await self._share(origin, found)
            self._remember(origin, found)
            return found

    def _recent(self, origin: str) -> RobotsFile | None:
        until, found = self._known.get(origin, (0.0, None))
        return found if until > self._clock() else None

    def _remember(self, origin: str, found: RobotsFile) -> None:
        if self._recent(origin) is found:
            self._known.move_to_end(origin)
            return
        self._forget(origin)
        self._known[origin] = (self._clock() + min(found.seconds, LOCAL_SECONDS), found)
        self._weight += _weight(found)
        while self._weight > MAX_LOCAL_BYTES:
            self._forget(next(iter(self._known)))

    def _forget(self, origin: str) -> None:
        if origin in self._known:
            self._weight -= _weight(self._known.pop(origin)[1])

    async def _shared(self, origin: str) -> RobotsFile | None:
        try:
            frame = await self._client.run(lambda redis: redis.get(_key(origin)))
        except RedisDownError:
            return None
        return _from_frame(frame) if isinstance(frame, bytes) else None

    async def _share(self, origin: str, found: RobotsFile) -> None:
        frame = f"{found.standing}\n{found.text}".encode()
        if len(frame) > MAX_SHARED_BYTES:
            return
        seconds = min(found.seconds, LONGEST_SHARED_SECONDS)
        try:
            await self._client.run(lambda redis: redis.set(_key(origin), frame, ex=seconds))
        except RedisDownError:
            # Kept in this process, at least.
            return


def _robots_url(url: SubmittedUrl) -> SubmittedUrl:
    path = "/robots.txt"
    whole = f"{url.scheme}://{url.authority}{path}"
    return dataclasses.replace(url, submitted=whole, target=path, canonical_target=path)


def _from_frame(frame: bytes) -> RobotsFile:
    standing, _, text = frame.decode().partition("\n")
    return RobotsFile(Standing(standing), LOCAL_SECONDS, text)


def _weight(found: RobotsFile) -> int:
    """In bytes of memory: up to four for each character."""
    return sys.getsizeof(found.text) + ENTRY_BYTES


def _key(origin: str) -> str:
    return f"robots:{origin}"
