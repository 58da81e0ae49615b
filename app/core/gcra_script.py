"""Checks in Redis: one EVALSHA a request, sent with all others of its turn of the event loop."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from redis.exceptions import NoScriptError

from app.core.gcra import Bucket, Level
from app.core.redis_batch import Asked, Asks, Command
from app.core.redis_errors import RedisDownError

SCRIPT = files("app.core").joinpath("gcra.lua").read_text()
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
LOAD: Command = ("SCRIPT", "LOAD", SCRIPT)
NUMBERS_PER_BUCKET = 4


class Check(NamedTuple):
    """A check that is on its way."""

    redis: Asks
    command: Command
    asked: Asked

    async def levels(self) -> list[Level]:
        """Raises RedisDownError: not counted, or not known whether counted."""
        (answer,) = await self.asked.answers()
        if isinstance(answer, NoScriptError):
            # By its class: the text of redis-py's error no longer says NOSCRIPT.
            _, answer = await self.redis.ask(LOAD, self.command).answers()
        if not isinstance(answer, list):
            raise RedisDownError(f"no verdict: {answer}")
        return _levels(answer)


class GcraScript:
    def __init__(self, redis: Asks) -> None:
        self._redis = redis

    def begin(self, buckets: Sequence[Bucket]) -> Check:
        """All or nothing."""
        command = _command(buckets)
        return Check(self._redis, command, self._redis.ask(command))

    async def check(self, buckets: Sequence[Bucket]) -> list[Level]:
        """As `begin`, and its end."""
        return await self.begin(buckets).levels()


def _command(buckets: Sequence[Bucket]) -> Command:
    numbers = [number for bucket in buckets for number in (bucket.quota.interval, bucket.quota.tolerance)]
    # Encoded here, where a key that cannot be is its own caller's fault and not the whole pipeline's.
    keys = [bucket.key.encode() for bucket in buckets]
    return ("EVALSHA", SCRIPT_SHA, len(buckets), *keys, *numbers)


def _levels(answer: list[int]) -> list[Level]:
    starts = range(0, len(answer), NUMBERS_PER_BUCKET)
    rows = [answer[start : start + NUMBERS_PER_BUCKET] for start in starts]
    return [Level(allowed == 1, remaining, retry, reset) for allowed, remaining, retry, reset in rows]
