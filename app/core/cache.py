"""Rendered bodies of single reads, kept in Redis so that nobody reads a state older than their own write.

A body is stored under a fence: the cache's epoch, its key's generation, and the identity of the server
process. It counts only while all three are what they were when its reader *began*:

- a writer replaces the generation before its commit (`hold`: nothing is stored until it is done) and after
  it (`invalidate`), so a slow reader's old body arrives under a generation that is gone;
- an absent epoch or generation (flushed, evicted, expired) is replaced by a new random one, never matched;
- a server restarted from a snapshot brings old generations back with old bodies: its identity differs;
- an invalidation that did not arrive is sent once more past the breaker, since other processes may reach the
  server that this one has given up on; where that fails too, this process distrusts the cache and tries to
  renew the epoch until it has.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import Counter

from app.core.redis import RedisBusyError, RedisClient, RedisDownError, RedisRefusedError
from app.core.redis_batch import Asked, Command

EPOCH = "cache:epoch"
# Longer than any transaction: a hold that no `invalidate` follows ends by itself.
HOLD_SECONDS = 60
HELD = b"held"
# Between two attempts to renew the epoch after a loss.
REPAIR_SECONDS = 1.0
# Of a stored frame, before the body.
HEAD_LINES = 4

CACHE_READS = Counter("precis_cache_reads", "Reads of the body cache by outcome.", ["outcome"])
_HIT, _MISS = CACHE_READS.labels("hit"), CACHE_READS.labels("miss")
CACHE_NOT_STORED = Counter("precis_cache_not_stored", "Bodies that Redis did not take.")
CACHE_LOST_INVALIDATIONS = Counter(
    "precis_cache_lost_invalidations", "Invalidations that did not arrive; each renews the cache's epoch."
)


class CachedBody(NamedTuple):
    """What a read answers with, and what deciding on it needs: who owns the object and who may see it.

    `owner`: `Principal.person` of theirs.
    """

    etag: str
    owner: str
    visibility: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Miss:
    """Hand it to `put` with the body that is read next. Without a fence nothing will be stored."""

    key: str
    fence: str | None = None


class Lookup(NamedTuple):
    """A question on its way; `server_id` and `losses` as they were when it was asked."""

    key: str
    server_id: str | None
    losses: int
    asked: Asked


class BodyCache:
    """`key` must name the tenant: two organisations never share an entry."""

    def __init__(self, client: RedisClient, *, ttl_seconds: int = 60) -> None:
        self._client = client
        self._ttl = ttl_seconds
        self._losses = 0
        self._repaired_losses = 0
        self._repairing: asyncio.Task[None] | None = None

    def begin(self, key: str) -> "Lookup":
        """A read that is on its way, for `get`."""
        return Lookup(key, self._client.server_id, self._losses, self._client.ask(("MGET", *_names(key))))

    async def get(self, key: str, *, begun: "Lookup | None" = None) -> CachedBody | Miss:
        """One round trip on a hit. Read the database only after this has returned a Miss."""
        try:
            # What was asked before a loss or its repair may still find the body that was lost.
            if await self._repair() or begun is None or begun.losses != self._losses:
                begun = self.begin(key)
            found = await self._look_up(begun)
        except RedisBusyError:
            found = Miss(key)
        except RedisDownError:
            # In the same outage another process may have lost an invalidation.
            self._losses += 1
            found = Miss(key)
        (_HIT if isinstance(found, CachedBody) else _MISS).inc()
        return found

    async def put(self, miss: Miss, entry: CachedBody) -> None:
        """Best effort; `miss` must be older than the database read that `entry` is made of."""
        if miss.fence is None:
            return
        frame = _to_frame(miss.fence, entry)
        try:
            await self._client.ask(("SET", _body(miss.key), frame, "EX", self._ttl)).answers()
        except RedisDownError:
            CACHE_NOT_STORED.inc()

    async def hold(self, *keys: str) -> None:
        """Before a commit: neither serve nor store these keys until `invalidate`, or for a minute."""
        await self._replace_generations(keys, value=HELD, seconds=HOLD_SECONDS)

    async def invalidate(self, *keys: str) -> None:
        """After a commit, before its answer leaves."""
        await self._replace_generations(keys, value=_token(), seconds=self._generation_seconds)

    @asynccontextmanager
    async def writing(self, *keys: str) -> AsyncIterator[None]:
        """Around the commit that changes these keys, however it ends."""
        await self.hold(*keys)
        try:
            yield
        finally:
            await self.invalidate(*keys)

    async def aclose(self) -> None:
        if self._repairing is not None:
            self._repairing.cancel()
            await asyncio.wait([self._repairing])

    @property
    def _generation_seconds(self) -> int:
        return 5 * self._ttl

    async def _repair(self) -> bool:
        losses = self._losses
        if losses == self._repaired_losses:
            return False
        await self._client.run(lambda redis: redis.set(EPOCH, _token()))
        self._repaired_losses = losses
        return True

    async def _repair_until_done(self) -> None:
        """Others may read meanwhile what this process could not invalidate, and nobody may read here."""
        while self._losses != self._repaired_losses:
            await asyncio.sleep(REPAIR_SECONDS)
            losses = self._losses
            with suppress(RedisDownError):
                await self._client.insist(("SET", EPOCH, _token()))
                self._repaired_losses = max(losses, self._repaired_losses)

    async def _look_up(self, lookup: "Lookup") -> CachedBody | Miss:
        key, server = lookup.key, lookup.server_id
        ((known_epoch, known_generation, frame),) = await lookup.asked.answers()
        if known_epoch and known_generation:
            epoch, generation = known_epoch, known_generation
        else:
            # Another who missed may have stored the body between the two questions.
            epoch, generation, frame = await self._begin(key)
        if not (epoch and generation) or generation == HELD or server != self._client.server_id:
            return Miss(key)
        fence = f"{server} {epoch.decode()} {generation.decode()}"
        return _from_frame(fence, frame) or Miss(key, fence)

    async def _begin(self, key: str) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Asked along with others' questions: of hundreds who miss at once none finds the client busy."""
        commands = (
            ("SET", EPOCH, _token(), "NX"),
            ("SET", _generation(key), _token(), "NX", "EX", self._generation_seconds),
            ("MGET", *_names(key)),
        )
        *_, (epoch, generation, frame) = await self._client.ask(*commands).answers()
        return epoch, generation, frame

    async def _replace_generations(self, keys: tuple[str, ...], *, value: bytes, seconds: int) -> None:
        commands: list[Command] = [
            *(("SET", _generation(key), value, "EX", seconds) for key in keys),
            ("DEL", *(_body(key) for key in keys)),
        ]
        arrived = False
        try:
            with suppress(RedisDownError):
                await self._tell(commands, keys)
                arrived = True
        finally:
            # Also when the request was cancelled half-way: whether it arrived is not known then.
            if not arrived:
                self._lost()

    async def _tell(self, commands: list[Command], keys: tuple[str, ...]) -> None:
        """Raises RedisDownError where it did not arrive, or may not have."""
        try:
            await self._send(("MULTI",), *commands, ("EXEC",))
        except RedisRefusedError:
            # A server that is full takes no new generation, but forgets the old one: that fences as well.
            await self._client.insist(
                ("DEL", *(name for key in keys for name in (_generation(key), _body(key))))
            )

    async def _send(self, *commands: Command) -> None:
        try:
            await self._client.ask(*commands).answers()
        except RedisRefusedError:
            raise
        except RedisDownError:
            await self._client.insist(*commands)

    def _lost(self) -> None:
        CACHE_LOST_INVALIDATIONS.inc()
        self._losses += 1
        if self._repairing is None or self._repairing.done():
            # In nobody's context: it belongs to no one request's trace.
            self._repairing = asyncio.create_task(self._repair_until_done(), context=Context())


def _names(key: str) -> tuple[str, str, str]:
    return EPOCH, _generation(key), _body(key)


def _generation(key: str) -> str:
    return f"cache:generation:{key}"


def _body(key: str) -> str:
    return f"cache:body:{key}"


def _token() -> bytes:
    return secrets.token_hex(8).encode()


def _to_frame(fence: str, entry: CachedBody) -> bytes:
    """A line each of what is needed to decide, then the body as it is."""
    head = f"{fence}\n{entry.etag}\n{entry.owner}\n{entry.visibility}\n"
    return head.encode() + entry.body


def _from_frame(fence: str, frame: bytes | None) -> CachedBody | None:
    """None where there is no frame, or it stands under another fence."""
    if frame is None or not frame.startswith(fence.encode() + b"\n"):
        return None
    _, etag, owner, visibility, body = frame.split(b"\n", HEAD_LINES)
    return CachedBody(etag.decode(), owner.decode(), visibility.decode(), body)
