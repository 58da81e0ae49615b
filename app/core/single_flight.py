"""Of callers that want the same thing at the same time one fetches it, and all get what it found."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[T]] = {}

    async def fetch(self, key: str, load: Callable[[], Awaitable[T]]) -> T:
        """What `load` returns or raises; a caller that leaves takes it from nobody else."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(_awaited(load))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: str, flight: asyncio.Task[T]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Looked at, or asyncio would complain of an error that every caller has left.
            flight.exception()


async def _awaited(load: Callable[[], Awaitable[T]]) -> T:
    return await load()
