"""Checks in Redis: one EVALSHA per request, and one pipeline for all requests of a turn of the event loop."""

import asyncio
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from app.core.gcra import Bucket, Level
from app.core.redis import RedisClient, RedisDownError, pipelined

SCRIPT = files("app.core").joinpath("gcra.lua").read_text()
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
NUMBERS_PER_BUCKET = 4
# One pipeline must be answered within Redis' short timeouts: a flood becomes several of these.
MAX_BATCH = 200

Command = tuple[str | bytes | int, ...]


class GcraScript:
    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._turn: asyncio.Handle
        self._waiting: list[tuple[Command, asyncio.Future[object]]] = []
        # The loop refers to tasks weakly: one collected half-way would leave its callers waiting.
        self._flushes: set[asyncio.Task[None]] = set()

    async def check(self, buckets: Sequence[Bucket]) -> list[Level]:
        """All or nothing.

        Raises:
            RedisDownError: not counted, or not known whether counted.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._waiting.append((_command(buckets), future))
        if len(self._waiting) == 1:
            self._turn = loop.call_soon(self._flush)
        elif len(self._waiting) == MAX_BATCH:
            self._turn.cancel()
            self._flush()
        answer = await future
        if not isinstance(answer, list):
            raise RedisDownError(f"no verdict: {answer}")
        return _levels(answer)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        # Who left before it was sent is not counted.
        batch = [(command, future) for command, future in waiting if not future.done()]
        task = asyncio.create_task(self._send(batch))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)

    async def _send(self, batch: Sequence[tuple[Command, asyncio.Future[object]]]) -> None:
        commands = [command for command, _ in batch]
        answers: Sequence[object] = [None] * len(batch)
        try:
            answers = await self._client.run(lambda redis: _evaluate(redis, commands))
        except RedisDownError as error:
            answers = [error] * len(batch)
        finally:
            # Whatever happened, nobody is left waiting; a caller cancelled meanwhile is done already.
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


async def _evaluate(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """The answers; the script is loaded where the server does not know it (new, or flushed)."""
    answers = await pipelined(redis, *commands)
    unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        # By its class: the text of redis-py's error no longer says NOSCRIPT.
        await redis.script_load(SCRIPT)
        again = await pipelined(redis, *(commands[index] for index in unknown))
        for index, answer in zip(unknown, again, strict=True):
            answers[index] = answer
    return answers


def _command(buckets: Sequence[Bucket]) -> Command:
    numbers = [number for bucket in buckets for number in (bucket.quota.interval, bucket.quota.tolerance)]
    # Encoded here, where a key that cannot be is its own caller's fault and not the whole pipeline's.
    keys = [bucket.key.encode() for bucket in buckets]
    return ("EVALSHA", SCRIPT_SHA, len(buckets), *keys, *numbers)


def _levels(answer: list[int]) -> list[Level]:
    starts = range(0, len(answer), NUMBERS_PER_BUCKET)
    rows = [answer[start : start + NUMBERS_PER_BUCKET] for start in starts]
    return [Level(allowed == 1, remaining, retry, reset) for allowed, remaining, retry, reset in rows]
