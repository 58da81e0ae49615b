"""Hearing what other processes announce: one Redis connection a process, whoever listens in it.

A message may be lost (Redis restarts, a connection breaks), so whoever listens must be able to ask the
database as well: more often while `is_connected` is false, and at once when `on_reconnect` says that a gap
has ended.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from app.core.redis import RedisClient, RedisDownError

CONFIRM_SECONDS = 0.5
LOST = Counter("precis_announcements_lost", "Messages that Redis did not take; listeners ask the database.")
DEAF = Gauge(
    "precis_announcements_deaf",
    "Processes that listen without a connection to Redis: they ask the database more often.",
    multiprocess_mode="livesum",
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. A frozen server is found out by a `ping` that nothing follows for `silence`."""

    connect: float = 1.0
    ping: float = 5.0
    silence: float = 10.0
    first_pause: float = 0.2
    longest_pause: float = 5.0


PATIENCE = Patience()


async def publish(client: RedisClient, channel: str, message: bytes) -> None:
    """At most once, best effort."""
    try:
        await client.ask(("PUBLISH", channel, message)).answers()
    except RedisDownError:
        LOST.inc()


def publish_soon(client: RedisClient, channel: str, message: bytes) -> None:
    """As `publish`, with what else is asked of Redis in this turn; nobody waits for it."""
    client.ask(("PUBLISH", channel, message)).on_failure(LOST.inc)


@dataclass(slots=True)
class Channel:
    listeners: int = 0
    # On the connection that is open now.
    is_sent: bool = False
    is_confirmed: asyncio.Event = field(default_factory=asyncio.Event)


class Subscriber:
    """Connects when somebody first listens, and again by itself until `aclose`."""

    def __init__(
        self,
        url: str,
        receive: Callable[[bytes], None],
        *,
        on_reconnect: Callable[[], None] = lambda: None,
        patience: Patience = PATIENCE,
    ) -> None:
        self._receive = receive
        self._on_reconnect = on_reconnect
        self._patience = patience
        self._channels: dict[str, Channel] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_connected = False
        self._is_down = False
        self._pool = ConnectionPool.from_url(
            url,
            # Answers to SUBSCRIBE and PING come as plain lists, in one order with the messages.
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=patience.connect,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            driver_info=None,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    @property
    def channels(self) -> int:
        """How many somebody listens to."""
        return sum(channel.listeners > 0 for channel in self._channels.values())

    @contextlib.asynccontextmanager
    async def listening(self, name: str) -> AsyncIterator[None]:
        """Entered when Redis has confirmed; without it at once, or after half a second."""
        channel = self._channels.setdefault(name, Channel())
        channel.listeners += 1
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected())
        try:
            await self._confirmed(channel)
            yield
        finally:
            channel.listeners -= 1
            self._wanted.set()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._note_connected(connected=False)
        await self._pool.aclose()

    async def _confirmed(self, channel: Channel) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self._is_down else CONFIRM_SECONDS):
                await channel.is_confirmed.wait()

    async def _stay_connected(self) -> None:
        pause = self._patience.first_pause
        while True:
            try:
                await self._serve()
            except* (RedisError, OSError) as errors:
                log.warning("announcements_unheard", error=type(errors.exceptions[0]).__name__)
            pause = self._patience.first_pause if self._is_connected else pause
            self._note_connected(connected=False)
            self._is_down = True
            # Spread: all processes lose a server in the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
            pause = min(2 * pause, self._patience.longest_pause)

    async def _serve(self) -> None:
        """Until the connection breaks. Raises RedisError or OSError, alone or in a group."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # untyped there
        for channel in self._channels.values():
            channel.is_sent = False
            channel.is_confirmed.clear()
        try:
            async with asyncio.timeout(self._patience.connect):
                await connection.connect()  # type: ignore[no-untyped-call]  # as above
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(connection))
                group.create_task(self._read(connection))
        finally:
            await connection.disconnect(nowait=True)

    async def _write(self, connection: AbstractConnection) -> None:
        """SUBSCRIBE and UNSUBSCRIBE as the listeners come and go; a PING in between, and to begin with."""
        while True:
            self._wanted.clear()
            await self._send(connection, "SUBSCRIBE", self._new())
            await self._send(connection, "UNSUBSCRIBE", self._left())
            await connection.send_command("PING")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience.ping):
                    await self._wanted.wait()

    async def _send(self, connection: AbstractConnection, command: str, names: list[str]) -> None:
        if names:
            await connection.send_command(command, *names)

    def _new(self) -> list[str]:
        new = [name for name, channel in self._channels.items() if channel.listeners and not channel.is_sent]
        for name in new:
            self._channels[name].is_sent = True
        return new

    def _left(self) -> list[str]:
        """Forgotten: who listens next begins anew, behind the UNSUBSCRIBE."""
        left = [name for name, channel in self._channels.items() if not channel.listeners]
        return [name for name in left if self._channels.pop(name).is_sent]

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            async with asyncio.timeout(self._patience.silence):
                answer = await connection.read_response(timeout=math.inf, disconnect_on_error=False)
            self._take(answer)

    def _take(self, answer: object) -> None:
        kind, *rest = answer if isinstance(answer, list) else [b"pong"]
        if kind == b"message":
            self._receive(rest[1])
        elif kind == b"subscribe":
            # Who wanted it may have left meanwhile.
            with contextlib.suppress(KeyError):
                self._channels[rest[0].decode()].is_confirmed.set()
        elif kind == b"pong" and not self._is_connected:
            # It was sent behind every SUBSCRIBE: from here on nothing is missed.
            self._note_connected(connected=True)
            self._is_down = False
            self._on_reconnect()

    def _note_connected(self, *, connected: bool) -> None:
        self._is_connected = connected
        DEAF.set(not connected and self.channels > 0)
