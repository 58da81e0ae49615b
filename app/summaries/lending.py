"""A job's place, which it may lend while it waits for somebody else."""

from typing import Protocol


class Place(Protocol):
    """A job's among those that work at once; see `app.worker.places`."""

    def leave(self) -> None: ...

    async def come_back(self) -> None:
        """At once where it was not left."""
        ...


class KeptPlace:
    """Where nobody else wants it."""

    def leave(self) -> None:
        """It is not lent."""

    async def come_back(self) -> None:
        """It was not left."""
