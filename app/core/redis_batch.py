"""All that is asked of Redis in one turn of the event loop, in one pipeline: requests share round trips."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Protocol

from redis.exceptions import NoScriptError, ResponseError

from app.core.redis_errors import RedisDownError, RedisRefusedError
from app.core.tracing import is_tracing, part

Command = tuple[str | bytes | int, ...]
# Sends commands, and answers with as many replies or errors of the server.
Send = Callable[[Sequence[Command]], Awaitable[Sequence[object]]]
# One pipeline must be answered within Redis' short timeouts: a flood becomes several of these.
MAX_BATCH = 200


class Asked:
    """Commands that are on their way. Whoever does not wait for their answers leaves nothing behind."""

    __slots__ = ("commands", "future")

    def __init__(self, commands: Sequence[Command], future: asyncio.Future[object]) -> None:
        self.commands = commands
        self.future = future

    async def answers(self) -> list[Any]:
        """One for each command, in their order; a NoScriptError among them says that nothing was done.

        Raises:
            RedisDownError: not done, or not known whether done.
            RedisRefusedError: the server said no to one of them.
        """
        if not is_tracing():
            return _answers_of(await self.future)
        with part("redis", attributes={"db.system.name": "redis", "db.operation.name": self._names()}):
            return _answers_of(await self.future)

    def on_failure(self, act: Callable[[], None]) -> None:
        """For whoever does not wait: called where `answers` would raise."""

        def look(answered: asyncio.Future[object]) -> None:
            try:
                _answers_of(answered.result())
            except (RedisDownError, asyncio.CancelledError):
                act()

        self.future.add_done_callback(look)

    def _names(self) -> str:
        """Without keys and values."""
        return " ".join(str(command[0]) for command in self.commands)


def _answers_of(outcome: object) -> list[Any]:
    if isinstance(outcome, RedisDownError):
        # Its own: one error raised in many callers would gather all their tracebacks.
        raise type(outcome)(str(outcome)) from outcome
    if not isinstance(outcome, list):
        raise RedisDownError("the batch ended without an answer")
    for answer in outcome:
        if is_refusal(answer):
            raise RedisRefusedError(str(answer))
    return outcome


def is_refusal(answer: object) -> bool:
    return isinstance(answer, ResponseError) and not isinstance(answer, NoScriptError)


class Asks(Protocol):
    def ask(self, *commands: Command) -> Asked: ...


class RedisBatch:
    def __init__(self, send: Send) -> None:
        self._send_all = send
        self._turn: asyncio.Handle
        self._waiting: list[Asked] = []
        # The loop refers to tasks weakly: one collected half-way would leave its callers waiting.
        self._flushes: set[asyncio.Task[None]] = set()

    def ask(self, *commands: Command) -> Asked:
        """Leaves with all others of this turn; who stops waiting before that is not sent."""
        loop = asyncio.get_running_loop()
        asked = Asked(commands, loop.create_future())
        self._waiting.append(asked)
        if len(self._waiting) == 1:
            # In nobody's context: what is sent belongs to no one request's trace.
            self._turn = loop.call_soon(self._flush, context=Context())
        elif len(self._waiting) == MAX_BATCH:
            self._turn.cancel()
            self._flush()
        return asked

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        batch = [asked for asked in waiting if not asked.future.done()]
        task = asyncio.create_task(self._send(batch))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)

    async def _send(self, batch: Sequence[Asked]) -> None:
        answers: Sequence[object] | RedisDownError | None = None
        try:
            answers = await self._send_all([command for asked in batch for command in asked.commands])
        except RedisDownError as error:
            answers = error
        finally:
            # Whatever happened, nobody is left waiting.
            _hand_out(batch, answers)


def _hand_out(batch: Sequence[Asked], answers: Sequence[object] | RedisDownError | None) -> None:
    begin = 0
    for asked in batch:
        end = begin + len(asked.commands)
        if not asked.future.done():  # a caller cancelled meanwhile is done already
            part_of = list(answers[begin:end]) if isinstance(answers, list) else answers
            asked.future.set_result(part_of)
        begin = end
