"""A job that waits for somebody else's server lends its place meanwhile: slow sites do not hold up fast ones.

So many jobs work at once as there are places; beside them many more may wait. Whoever comes back takes turns
with the jobs that are new, so that neither keeps out the other; among them whoever the queue would prefer
comes first.
"""

import asyncio
import itertools

from procrastinate.worker import Worker
from typing_extensions import override

Returning = tuple[int, int, asyncio.Future[None]]


class LendingWorker(Worker):
    """procrastinate's, whose places are a semaphore. `most_away`: so many jobs may wait without one.

    A job that ends while it is away, since it is cancelled, gives back a place that it does not have yet: the
    usher takes that one in its stead.
    """

    most_away: int = 0
    _away: int = 0
    _order = itertools.count()
    _returning: asyncio.PriorityQueue[Returning]

    @override
    async def run(self) -> None:
        self._returning = asyncio.PriorityQueue()
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

    async def taken_again(self, rank: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._returning.put_nowait((rank, next(self._order), turn))
        await turn

    async def _usher(self) -> None:
        while True:
            # New jobs wait at the semaphore too, where first come is first served.
            _, _, turn = await self._returning.get()
            await self._job_semaphore.acquire()
            self._away -= 1
            if not turn.done():
                turn.set_result(None)


class Place:
    """One job's: held from its beginning to its end, save between `leave` and `come_back`."""

    def __init__(self, worker: LendingWorker, rank: int) -> None:
        self._worker = worker
        self._rank = rank
        self._is_away = False

    def leave(self) -> None:
        """Kept where too many wait already."""
        if not self._is_away:
            self._is_away = self._worker.let_go()

    async def come_back(self) -> None:
        """At once where it was not left."""
        if self._is_away:
            self._is_away = False
            await self._worker.taken_again(self._rank)
