"""Group commit: what several callers write in one moment is one statement and one transaction.

A commit waits for the disk, and a statement costs both sides more than most of what it says. The first
caller's group leaves at the end of its turn of the event loop; whoever comes while it is under way leaves
with the next, once that has landed or been waited for long enough.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from app.core.db_spans import waited
from app.core.shared_calls import Shared, fail, hand_out, leave, still_waiting

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")
# All of a group's transactions are one: its locks are held until the last of it is written.
MAX_GROUP = 32
# For others' locks, such as that of a tenant which is being deleted; then each waits for its own.
LOCK_PATIENCE_MS = 200
# As long: two groups of a process count in the same tenants, so the next passes only one that is stuck.
PATIENCE_SECONDS = LOCK_PATIENCE_MS / 1000
# SQLSTATE classes that no entry of a group is the cause of: each of them would be told the same.
OF_THE_SERVER = ("08", "25", "53", "57", "58", "XX")
logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class GroupCommit(Generic[Entry, Outcome]):
    def __init__(
        self,
        write: Callable[[Sequence[Entry]], Awaitable[Sequence[Outcome]]],
        *,
        name: str,
        max_group: int = MAX_GROUP,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`write` commits all of them or none, and answers each in its place; `name` is that of its span."""
        self._write = write
        self._name = name
        self._max_group = max_group
        self._patience_seconds = patience_seconds
        self._waiting = deque[tuple[Entry, asyncio.Future[Outcome]]]()
        self._departure: asyncio.Handle | None = None
        # The loop refers to tasks weakly.
        self._under_way: set[asyncio.Task[None]] = set()
        self._latest: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> Outcome:
        """Committed. What a group is refused for one of its entries, each is tried by itself.

        Who leaves before its group does is not written; who leaves later is, and hears nothing.
        Raises what writing raises: where a connection was lost, nobody knows whether it is done.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((entry, future))
        if self._departure is None:
            # In nobody's context: what is sent belongs to no one request's trace.
            self._departure = loop.call_soon(self._depart, context=Context())
        return await waited(self._name, future)

    async def aclose(self) -> None:
        """Until everything that has left has landed."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _depart(self) -> None:
        self._departure = None
        group: Shared[Entry, Outcome] = []
        while self._waiting and len(group) < self._max_group:
            group += still_waiting([self._waiting.popleft()])
        if group:
            self._latest = self._start(group)
            later = asyncio.get_running_loop().call_later
            self._departure = later(self._patience_seconds, self._depart, context=Context())

    def _start(self, group: Shared[Entry, Outcome]) -> asyncio.Task[None]:
        flight = asyncio.create_task(self._fly(group))
        self._under_way.add(flight)
        flight.add_done_callback(self._landed)
        return flight

    async def _fly(self, group: Shared[Entry, Outcome]) -> None:
        try:
            hand_out(group, await self._write([entry for entry, _ in group]))
        except DBAPIError as error:
            if len(group) == 1 or not _is_of_one(error):
                fail(group, error)
                return
            # It is undone as a whole, and most of them had no part in it.
            logger.warning("group_undone", entries=len(group), sqlstate=_sqlstate(error))
            for each in still_waiting(group):
                _ = self._start([each])
        except Exception as error:  # noqa: BLE001  # each caller judges it
            fail(group, error)
        except asyncio.CancelledError:
            leave(group)
            raise

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._under_way.discard(flight)
        if flight is self._latest:
            # Whoever waits has waited for this one.
            self._latest = None
            if self._departure is not None:
                self._departure.cancel()
            self._depart()


def lock_patience(group: Sequence[object]) -> int | None:
    """Milliseconds that its transaction waits for locks; None for one alone, which waits as any does."""
    return LOCK_PATIENCE_MS if len(group) > 1 else None


def _is_of_one(error: DBAPIError) -> bool:
    return not error.connection_invalidated and not _sqlstate(error).startswith(OF_THE_SERVER)


def _sqlstate(error: DBAPIError) -> str:
    """Empty where the driver itself refused it."""
    return str(getattr(error.orig, "sqlstate", None) or "")
