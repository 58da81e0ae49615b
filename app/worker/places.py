"""A job that waits for somebody else's server lends its place meanwhile: slow sites do not hold up fast ones.

So many jobs work at once as there are places; beside them many more may wait. Whoever comes back takes turns
with the jobs that are new, so that neither keeps out the other; among them whoever the queue would prefer
comes first.
"""

import asyncio
import time
from collections.abc import Callable

from typing_extensions import override

from app.worker.hearing import HearingWorker
from app.worker.returning import Returning


class LendingWorker(HearingWorker):
    """Its places are the library's semaphore. `most_away`: so many jobs may wait without one.

    A job that ends while it is away, since it is cancelled, gives back a place that it does not have yet: the
    usher takes that one in its stead.
    """

    most_away: int = 0
    clock: Callable[[], float] = staticmethod(time.monotonic)
    _away: int = 0
    _returning: Returning

    @override
    async def run(self) -> None:
        self._returning = Returning()
        ushering = asyncio.create_task(self._usher(), name="usher")
        try:
            await super().run()  # type: ignore[no-untyped-call]  # procrastinate left it bare
        finally:
            ushering.cancel()

    def place(self, priority: int) -> "Place":
        """Of a job of this priority that has just begun."""
        return Place(self, -priority)

    def let_go(self) -> bool:
        """False where as many wait as may."""
        if self._away >= self.most_away:
            return False
        self._away += 1
        self._job_semaphore.release()
        return True

    async def taken_again(self, rank: int, *, away: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._returning.add(turn, rank=rank, away=away)
        await turn

    async def _usher(self) -> None:
        while True:
            # New jobs wait at the semaphore too, where first come is first served.
            turn = await self._returning.next()
            await self._job_semaphore.acquire()
            self._away -= 1
            if not turn.done():
                turn.set_result(None)


class Place:
    """One job's: held from its beginning to its end, save between `leave` and `come_back`."""

    def __init__(self, worker: LendingWorker, rank: int) -> None:
        self._worker = worker
        self._rank = rank
        self._left_at: float | None = None

    def leave(self) -> None:
        """Kept where too many wait already."""
        if self._left_at is None and self._worker.let_go():
            self._left_at = self._worker.clock()

    async def come_back(self) -> None:
        """At once where it was not left."""
        if self._left_at is not None:
            away, self._left_at = self._worker.clock() - self._left_at, None
            await self._worker.taken_again(self._rank, away=away)
