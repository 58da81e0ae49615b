"""The one door to Redis: short timeouts, no retries, a breaker; callers must have an answer without it.

redis-py's defaults make one call to a frozen server take 59 s (5 s timeouts, retried with backoff), and a
retry after a read timeout counts an INCR twice. Both are switched off here and must stay off.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from hiredis import pack_command
from prometheus_client import Counter, Gauge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from app.core.breaker import Call, CircuitBreaker
from app.core.call_timeout import CallTimeout
from app.core.redis_batch import Asked, Command, RedisBatch, is_refusal
from app.core.redis_errors import RedisBusyError, RedisDownError, RedisRefusedError
from app.core.tracing import part

__all__ = [
    "RedisBusyError",
    "RedisClient",
    "RedisDownError",
    "RedisRefusedError",
    "pipelined",
]

T = TypeVar("T")

# A call may need a connection, a handshake and a reply: this bounds the sum. redis-py's own timeouts are
# beyond it, as they know nothing of our own standstills.
CALL_TIMEOUT_SECONDS = 0.2
SOCKET_TIMEOUT_SECONDS = 1.0
SLOT_WAIT_SECONDS = 0.1
# An asyncio timeout says nothing.
SILENT = "no answer in time"
# Enough for 8,000 calls a second at 1 ms each; a cold burst of many more handshakes would time itself out.
POOL_SIZE = 8
# After an urgent call that came to nothing, no other is tried for so long.
VAIN_SECONDS = 1.0

REDIS_FAILURES = Counter(
    "precis_redis_failures",
    "Failed calls by kind: timeout, connection, refused (the server said no), busy (no slot here).",
    ["kind"],
)
# There at 0 before the first: a rate over a missing series is no zero.
for _kind in ("timeout", "connection", "refused", "busy"):
    REDIS_FAILURES.labels(_kind)
REDIS_BREAKER_OPEN = Gauge(
    "precis_redis_breaker_open",
    "Processes whose breaker is open: they work without Redis.",
    multiprocess_mode="livesum",
)


class RedisClient:
    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server_id: str | None = None
        self._batch = RedisBatch(self._send)
        self._breaker = CircuitBreaker(clock=clock)
        # Waiting for a turn happens outside the call's timeout: a burst here must not look like a slow Redis.
        self._slots = asyncio.Semaphore(POOL_SIZE)
        self._redis = self._connected(url, connections=POOL_SIZE)
        self._urgent = self._connected(url, connections=1)
        self._urgent_turn = asyncio.Lock()
        self._clock = clock
        self._in_vain_until = float("-inf")

    def _connected(self, url: str, *, connections: int) -> Redis:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=SLOT_WAIT_SECONDS,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=15,
            decode_responses=False,
            redis_connect_func=self._on_connect,
            driver_info=None,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        return Redis.from_pool(pool)

    @property
    def is_open(self) -> bool:
        """True while the breaker refuses calls (at no cost)."""
        return self._breaker.is_open

    @property
    def server_id(self) -> str | None:
        """The server process last connected to; changes when it restarts or a replica takes over."""
        return self._server_id

    async def run(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """One use of Redis: 0.2 s at most, 0.1 s more where this process is busy, 0.05 s if it stood still.

        Raises:
            RedisDownError: it failed, or the breaker is open.
        """
        with part("redis", attributes=self._span_attributes(command)):
            return await self._run(command)

    async def insist(self, *commands: Command) -> None:
        """Past the breaker and past all who wait: for what must not be lost while others reach the server.

        As long as `run` at most, one at a time on a connection of its own; where one came to nothing, none of
        the next second's is tried.

        Raises:
            RedisDownError: not done, or not known whether done.
        """
        async with self._urgent_turn:
            if self._clock() < self._in_vain_until:
                raise RedisDownError("another urgent call has just come to nothing")
            try:
                async with CallTimeout(CALL_TIMEOUT_SECONDS):
                    answers = await pipelined(self._urgent, *commands)
            except (RedisError, OSError) as error:
                self._in_vain_until = self._clock() + VAIN_SECONDS
                raise RedisDownError(str(error) or SILENT) from error
        for answer in answers:
            if is_refusal(answer):
                raise RedisRefusedError(str(answer))

    def ask(self, *commands: Command) -> Asked:
        """In one pipeline with whatever else is asked in this turn of the event loop; see redis_batch.py."""
        return self._batch.ask(*commands)

    async def _send(self, commands: Sequence[Command]) -> list[Any]:  # Any: as `pipelined`
        answers = await self._run(lambda redis: pipelined(redis, *commands))
        if refused := sum(map(is_refusal, answers)):
            REDIS_FAILURES.labels("refused").inc(refused)
        return answers

    async def _run(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        await self._take_slot()
        try:
            return await self._call(command)
        finally:
            self._slots.release()

    @staticmethod
    def _span_attributes(command: Callable[[Redis], Awaitable[T]]) -> dict[str, str]:
        """Which of our functions asks; keys and values are in none of it."""
        asks = f"{command.__module__}.{getattr(command, '__qualname__', '')}"
        return {"db.system.name": "redis", "code.function.name": asks}

    async def _take_slot(self) -> None:
        try:
            async with CallTimeout(SLOT_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            REDIS_FAILURES.labels("busy").inc()
            raise RedisBusyError("all connections are in use") from error

    async def _call(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        call = self._breaker.ask()
        if call is None:
            raise RedisDownError("the breaker is open")
        try:
            async with CallTimeout(CALL_TIMEOUT_SECONDS):
                answer = await command(self._redis)
        except ResponseError as error:
            # The server lives and said no (read-only, out of memory): that costs no time, so no breaker.
            self._succeeded(call)
            REDIS_FAILURES.labels("refused").inc()
            raise RedisRefusedError(str(error)) from error
        except (RedisError, OSError) as error:
            self._failed(call, error)
            raise RedisDownError(str(error) or SILENT) from error
        except BaseException:
            self._breaker.abandoned(call)
            raise
        self._succeeded(call)
        return answer

    async def ping(self) -> None:
        """Raises RedisDownError when Redis is unreachable or given up on."""
        await self.run(lambda redis: redis.ping())

    async def aclose(self) -> None:
        for redis in (self._redis, self._urgent):
            await redis.aclose()

    def _succeeded(self, call: Call) -> None:
        self._breaker.succeeded(call)
        REDIS_BREAKER_OPEN.set(self._breaker.is_open)

    def _failed(self, call: Call, error: Exception) -> None:
        self._breaker.failed(call)
        REDIS_BREAKER_OPEN.set(self._breaker.is_open)
        is_lost = isinstance(error, RedisConnectionError | ConnectionError)
        REDIS_FAILURES.labels("connection" if is_lost else "timeout").inc()

    async def _on_connect(self, connection: AbstractConnection) -> None:
        """Learn which server process answers, so that the cache can distrust one restored from a snapshot."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        info: bytes = await connection.read_response()
        self._server_id = b"".join(re.findall(rb"run_id:(\w+)", info)).decode()


async def pipelined(redis: Redis, *commands: Command) -> list[Any]:
    """The answers as they came, in one round trip; one may be a `ResponseError`, which callers look for.

    redis-py's own pipeline packs in Python and keeps books: three times the processor time of this.
    """
    pool = redis.connection_pool
    connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # it ships no type for it
    try:
        await connection.send_packed_command([b"".join(map(_packed, commands))])
        first = await _reply(connection)
        # The connection's own way keeps books around each, of which once in a pipeline is enough.
        read = connection._parser.read_response  # noqa: SLF001  # redis-py reads one by one
        return [first, *[await read() for _ in commands[1:]]]
    except BaseException:
        # What is still to come over it answers questions that nobody asks any more.
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)


def _packed(command: Command) -> bytes:
    packed: bytes = pack_command(command)  # type: ignore[arg-type]  # its stub knows one-tuples only
    return packed


async def _reply(connection: AbstractConnection) -> Any:  # Any: whatever the command is answered with
    try:
        # The call as a whole has a timeout already.
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error
