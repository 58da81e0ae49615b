"""Who waits to come back, in two orders at once."""

import asyncio
import heapq
import itertools

Key = tuple[float, ...]
# What a job waits for.
Turn = asyncio.Future[None]
# What a server that answers well takes for a page.
FAST_SECONDS = 2.0
# Of those who have had their turn: fewer are not worth being looked for.
MOST_KEPT = 1000


class Returning:
    """In turn whoever was away the shortest, and whoever came first.

    A thousand pages of slow servers that arrive together would else stand before the next fast one for as
    long as it takes to read them all; and were it always the shortest, those would never be read. In either
    order a lower rank comes first, but that no slow one comes before a fast one in that of absence.
    """

    def __init__(self) -> None:
        self._by_absence: list[tuple[Key, Turn]] = []
        self._by_arrival: list[tuple[Key, Turn]] = []
        self._taken: set[Turn] = set()
        self._waiting = asyncio.Semaphore(0)
        self._order = itertools.count()
        self._first_come_is_next = False

    def add(self, turn: Turn, *, rank: int, away: float) -> None:
        """`away` in seconds."""
        order = next(self._order)
        heapq.heappush(self._by_absence, ((away > FAST_SECONDS, rank, away, order), turn))
        heapq.heappush(self._by_arrival, ((rank, order), turn))
        self._waiting.release()

    async def next(self) -> Turn:
        await self._waiting.acquire()
        self._forget_the_taken()
        queue = self._by_arrival if self._first_come_is_next else self._by_absence
        self._first_come_is_next = not self._first_come_is_next
        while True:
            _, turn = heapq.heappop(queue)
            if turn not in self._taken:
                self._taken.add(turn)
                return turn
            # In both it has been passed now.
            self._taken.remove(turn)

    @property
    def kept(self) -> int:
        """Of either order the longer: who waits, and who has had their turn by the other."""
        return max(len(self._by_absence), len(self._by_arrival))

    def _forget_the_taken(self) -> None:
        """Whoever stands last in one order may have been taken by the other long before."""
        if len(self._taken) <= max(MOST_KEPT, len(self._by_arrival) // 2):
            return
        for queue in (self._by_absence, self._by_arrival):
            queue[:] = [waiting for waiting in queue if waiting[1] not in self._taken]
            heapq.heapify(queue)
        self._taken.clear()
