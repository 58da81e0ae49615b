"""What one stream is told: the latest of each summary that it follows, however slowly its client reads."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.core.principal import Principal
from app.summaries.announcing import Progress

# Of a whole organisation; whoever does not read so many is too slow.
MOST_PENDING = 1000


class End(StrEnum):
    """Why a watch is over."""

    LEFT = "left"
    REVOKED = "revoked"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"
    TOO_SLOW = "too_slow"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class News:
    """`progress` None: it is deleted, or not visible any more."""

    summary_id: UUID
    progress: Progress | None


class Watch:
    """`ids` None: every summary that its principal may see."""

    def __init__(self, principal: Principal, ids: Iterable[UUID] | None) -> None:
        self.principal = principal
        self.ids = None if ids is None else frozenset(ids)
        self.end: End | None = None
        self._pending: dict[UUID, Progress | None] = {}
        # What was offered last, so that an older look or a repeated one is no news. Bounded as the above.
        self._versions: dict[UUID, int | None] = {}
        self._woken = asyncio.Event()

    def offer(self, progress: Progress) -> None:
        if progress.is_visible_to(self.principal.user_id):
            self._note(progress.summary_id, progress)
        elif self.ids is not None or progress.summary_id in self._versions:
            self._note(progress.summary_id, None)

    def lose(self, summary_id: UUID) -> None:
        """It does not exist any more."""
        self._note(summary_id, None)

    def finish(self, end: End) -> None:
        """The first end is the one that counts."""
        self.end = self.end or end
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Until there is something to take or it is over: False where the time was up first."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    async def until_final(self, seconds: float) -> None:
        """As asyncio.sleep, ended early by what ends a summary, or by the process that is to stop."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0 and self.end is not End.DRAINING:
            if self.end is not None:
                # Whose credential has ended may wait for what it began.
                await asyncio.sleep(left)
            elif await self.wait(left) and any(_is_over(news) for news in self.take()):
                return

    def take(self) -> list[News]:
        pending, self._pending = self._pending, {}
        return [News(summary_id, progress) for summary_id, progress in pending.items()]

    def _note(self, summary_id: UUID, progress: Progress | None) -> None:
        version = None if progress is None else progress.version
        if summary_id in self._versions and not _is_newer(version, self._versions[summary_id]):
            return
        self._versions.pop(summary_id, None)
        self._versions[summary_id] = version
        if len(self._versions) > MOST_PENDING:
            del self._versions[next(iter(self._versions))]
        # To the end: in the order of the latest.
        self._pending.pop(summary_id, None)
        self._pending[summary_id] = progress
        if len(self._pending) > MOST_PENDING:
            self.finish(End.TOO_SLOW)
            self._pending.clear()
        self._woken.set()


def _is_over(news: News) -> bool:
    return news.progress is None or news.progress.is_final


def _is_newer(version: int | None, known: int | None) -> bool:
    """None is gone: news unless it was gone already; what comes back is restored, or visible again."""
    if version is None or known is None:
        return version is not known
    return version > known
