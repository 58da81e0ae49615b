"""Places for long requests: some at a time, and one for each organisation, so that none can have them all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary


class BatchPlaces:
    """Of one process."""

    def __init__(self, at_once: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._own: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def held(self, organization_id: UUID) -> AsyncIterator[None]:
        """Waits for as long as it takes."""
        # First among their own: who waits for those must not stand in the others' way.
        async with self._own.setdefault(organization_id, asyncio.Lock()), self._all:
            yield
