"""How often we come to one host, all workers together: a turn is taken in Redis, or here while it is gone."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from app.core.redis import RedisClient, RedisDownError

SCRIPT = files("app.summaries.citizen").joinpath("pace.lua").read_text()
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
SECOND = 1_000_000
# Beyond these the hosts that nobody is waiting for are forgotten.
HOSTS_KNOWN = 10_000

PACE_DEGRADED = Counter(
    "precis_pace_degraded", "Turns taken in this process alone, because Redis did not answer."
)


@dataclass(frozen=True, slots=True)
class Pace:
    """A request each `interval` seconds, `burst` of them at once; up to `patience` seconds are waited for."""

    interval: float
    burst: int
    patience: float


@dataclass(frozen=True, slots=True)
class Turn:
    """In so many seconds it `is_mine`; else nothing is reserved, and then is the time to ask again."""

    is_mine: bool
    seconds: float


@dataclass(slots=True)
class _Host:
    """Times as in pace.lua, in seconds."""

    tat: float = 0.0
    line: float = 0.0
    pause: float = 0.0

    def turn(self, pace: Pace, now: float) -> Turn:
        earliest = max(now, self.tat - (pace.burst - 1) * pace.interval, self.pause)
        if earliest - now <= pace.patience:
            self.tat = max(self.tat, earliest) + pace.interval
            return Turn(is_mine=True, seconds=earliest - now)
        back = max(self.line, earliest)
        self.line = back + pace.interval
        return Turn(is_mine=False, seconds=back - now)

    def is_idle(self, now: float) -> bool:
        return max(self.tat, self.line, self.pause) <= now


class LocalPacer:
    """One process's view. `clock` gives seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def turn(self, host: str, pace: Pace) -> Turn:
        return self._known(host).turn(pace, self._clock())

    def pause(self, host: str, seconds: float) -> None:
        known = self._known(host)
        known.pause = max(known.pause, self._clock() + seconds)

    def _known(self, host: str) -> _Host:
        if host not in self._hosts and len(self._hosts) >= HOSTS_KNOWN:
            now = self._clock()
            self._hosts = {name: each for name, each in self._hosts.items() if not each.is_idle(now)}
        return self._hosts.setdefault(host, _Host())


class Pacer:
    def __init__(self, client: RedisClient, *, local: LocalPacer | None = None) -> None:
        self._client = client
        self._local = local or LocalPacer()

    async def turn(self, host: str, pace: Pace) -> Turn:
        """One round trip."""
        numbers = (round(pace.interval * SECOND), pace.burst, round(pace.patience * SECOND))
        keys = (f"pace:{host}", f"pace:line:{host}", f"pace:pause:{host}")
        try:
            is_mine, microseconds = await self._client.run(lambda redis: _evaluate(redis, keys, numbers))
        except RedisDownError:
            PACE_DEGRADED.inc()
            return self._local.turn(host, pace)
        return Turn(is_mine=is_mine == 1, seconds=microseconds / SECOND)

    async def pause(self, host: str, seconds: float) -> None:
        """Nobody comes for so long. Kept here too, for when Redis is gone."""
        self._local.pause(host, seconds)
        try:
            await self._client.run(lambda redis: _set_pause(redis, host, seconds))
        except RedisDownError:
            PACE_DEGRADED.inc()


async def _evaluate(redis: Redis, keys: tuple[str, ...], numbers: tuple[int, ...]) -> list[int]:
    try:
        answer: list[int] = await redis.evalsha(SCRIPT_SHA, len(keys), *keys, *map(str, numbers))
    except NoScriptError:
        answer = await redis.eval(SCRIPT, len(keys), *keys, *map(str, numbers))
    return answer


async def _set_pause(redis: Redis, host: str, seconds: float) -> None:
    now, microseconds = await redis.time()
    until = now * SECOND + microseconds + round(seconds * SECOND)
    await redis.set(f"pace:pause:{host}", until, px=math.ceil(seconds * 1000))
