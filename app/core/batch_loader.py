"""Batch loading: what is asked in one turn of the event loop, and can be asked together, is one question.

Nobody waits longer for it, and nobody is answered with what was asked before they came: a question leaves at
the end of the turn, and whoever comes after that begins the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from app.core.db_spans import waited
from app.core.shared_calls import Shared, fail, hand_out, leave, still_waiting

Key = TypeVar("Key", bound=Hashable)
Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")
MAX_BATCH = 100


class BatchLoader(Generic[Key, Entry, Outcome]):
    def __init__(
        self,
        load: Callable[[Key, Sequence[Entry]], Awaitable[Sequence[Outcome]]],
        *,
        name: str,
        max_batch: int = MAX_BATCH,
    ) -> None:
        """`load` answers each entry in its place; `name` is that of each one's span."""
        self._load = load
        self._name = name
        self._max_batch = max_batch
        self._boarding: dict[Key, Shared[Entry, Outcome]] = {}
        # The loop refers to tasks weakly.
        self._under_way: set[asyncio.Task[None]] = set()

    async def load(self, key: Key, entry: Entry) -> Outcome:
        """Together with whoever else of this key asks in this turn. Raises what loading raises."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        batch = self._boarding.get(key)
        if batch is None or len(batch) == self._max_batch:
            batch = self._boarding[key] = []
            # In nobody's context: what is asked belongs to no one request's trace.
            task = asyncio.create_task(self._depart(key, batch), context=Context())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        batch.append((entry, future))
        return await waited(self._name, future)

    async def _depart(self, key: Key, batch: Shared[Entry, Outcome]) -> None:
        if self._boarding.get(key) is batch:
            del self._boarding[key]
        callers = still_waiting(batch)
        try:
            if callers:
                hand_out(callers, await self._load(key, [entry for entry, _ in callers]))
        except Exception as error:  # noqa: BLE001  # each caller judges it
            fail(callers, error)
        finally:
            leave(callers)
