"""Every stream of this process, served by one connection to Redis and one look at the database for all.

Announcements make it quick, the looks make it right: they find what was not announced, what may not be seen
any more, and whose credential has ended. Without Redis the looks come more often: nothing else changes.
"""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database
from app.core.principal import Principal
from app.core.pubsub import Subscriber
from app.summaries.announcing import Progress, channel_of
from app.summaries.progress.store import changed_of_late, living_credentials, progress_by_id
from app.summaries.progress.watches import End, Watch

# Commits are told apart by their beginning: a long one is seen later than a short one that began after it.
OVERLAP = timedelta(seconds=10)
IDS_AT_ONCE = 2000
MOST_CHANGES = 500

MISREAD = Counter("precis_announcements_misread", "Messages that are none of ours, or of another version.")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks, with Redis and without; each is up to a quarter shorter or longer.

    `stale`: after so long without a look that succeeded nobody knows who may still read.
    """

    hearing: float = 3.0
    deaf: float = 1.0
    stale: float = 20.0
    # How soon a stream learns that the process is to stop.
    glance: float = 0.2


PACE = Pace()


class ProgressHub:
    def __init__(
        self,
        database: Database,
        redis_url: str,
        *,
        is_draining: Callable[[], bool],
        pace: Pace = PACE,
    ) -> None:
        self._database = database
        self._subscriber = Subscriber(redis_url, self._receive, on_reconnect=self._note_gap)
        self._is_draining = is_draining
        self._pace = pace
        self._watches: set[Watch] = set()
        self._by_summary: dict[UUID, set[Watch]] = defaultdict(set)
        self._by_organization: dict[UUID, set[Watch]] = defaultdict(set)
        self._occupied = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._is_gap = False
        self._tried_at = 0.0
        self._looked_at = 0.0
        self._spread = 1.0

    @property
    def is_hearing(self) -> bool:
        return self._subscriber.is_connected

    @property
    def watches(self) -> int:
        return len(self._watches)

    @contextlib.asynccontextmanager
    async def watching(self, principal: Principal, ids: Iterable[UUID] | None) -> AsyncIterator[Watch]:
        """Read the database only inside: what is committed after that is not missed."""
        watch = Watch(principal, ids)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        self._add(watch)
        try:
            async with self._subscriber.listening(channel_of(principal.organization_id)):
                yield watch
        finally:
            self._remove(watch)

    def refocus(self, watch: Watch, ids: Iterable[UUID] | None) -> None:
        """From here on it follows these."""
        self._remove(watch)
        watch.ids = None if ids is None else frozenset(ids)
        self._add(watch)

    async def is_living(self, principal: Principal) -> bool:
        """Whether a request of this credential would be let in by now."""
        async with self._database.transaction() as session:
            return bool(await living_credentials(session, [principal.credential_id]))

    async def aclose(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._end_all(End.DRAINING)
        await self._subscriber.aclose()

    def _add(self, watch: Watch) -> None:
        if not self._watches:
            self._tried_at = self._looked_at = time.monotonic()
        self._watches.add(watch)
        for index, key in self._places(watch):
            index[key].add(watch)
        self._occupied.set()

    def _remove(self, watch: Watch) -> None:
        self._watches.discard(watch)
        for index, key in self._places(watch):
            index[key].discard(watch)
            if not index[key]:
                del index[key]
        if not self._watches:
            self._occupied.clear()

    def _places(self, watch: Watch) -> list[tuple[dict[UUID, set[Watch]], UUID]]:
        if watch.ids is None:
            return [(self._by_organization, watch.principal.organization_id)]
        return [(self._by_summary, summary_id) for summary_id in watch.ids]

    def _receive(self, message: bytes) -> None:
        try:
            progress = Progress.from_message(message)
        except (ValueError, KeyError, TypeError):
            MISREAD.inc()
            return
        self._deliver(progress)

    def _deliver(self, progress: Progress) -> None:
        organization_id = progress.organization_id
        for watch in self._following(organization_id, progress.summary_id):
            watch.offer(progress)
        for watch in self._by_organization.get(organization_id, ()):
            watch.offer(progress)

    def _following(self, organization_id: UUID, summary_id: UUID) -> list[Watch]:
        watches = self._by_summary.get(summary_id, ())
        return [watch for watch in watches if watch.principal.organization_id == organization_id]

    def _end_all(self, end: End) -> None:
        for watch in self._watches:
            watch.finish(end)

    def _note_gap(self) -> None:
        self._is_gap = True

    def _is_due(self) -> bool:
        seconds = self._pace.hearing if self.is_hearing else self._pace.deaf
        return self._is_gap or time.monotonic() - self._tried_at >= seconds * self._spread

    async def _keep(self) -> None:
        while True:
            await self._occupied.wait()
            if self._is_draining():
                self._end_all(End.DRAINING)
            elif self._is_due():
                await self._look()
            await asyncio.sleep(self._pace.glance)

    async def _look(self) -> None:
        # The processes of a fleet would all ask at once.
        self._spread = random.uniform(0.75, 1.25)  # noqa: S311  # no secret
        self._tried_at, self._is_gap = time.monotonic(), False
        try:
            await self._look_up(age=OVERLAP + timedelta(seconds=self._tried_at - self._looked_at))
            self._looked_at = time.monotonic()
        except (SQLAlchemyError, OSError) as error:
            log.warning("streams_not_looked_after", error=type(error).__name__)
            self._end_stale()
        except Exception:
            # A row of newer code, say: without the next look no stream would ever be ended again.
            log.exception("streams_not_looked_after")
            self._end_stale()

    def _end_stale(self) -> None:
        if time.monotonic() - self._looked_at > self._pace.stale:
            self._end_all(End.UNAVAILABLE)

    async def _look_up(self, *, age: timedelta) -> None:
        wanted = [
            (watch.principal.organization_id, summary_id)
            for watch in self._watches
            for summary_id in watch.ids or ()
        ]
        wanted = list(dict.fromkeys(wanted))
        credentials = {watch.principal.credential_id for watch in self._watches}
        async with self._database.transaction() as session:
            living = await living_credentials(session, credentials)
            found = []
            for start in range(0, len(wanted), IDS_AT_ONCE):
                found += await progress_by_id(session, wanted[start : start + IDS_AT_ONCE])
            organizations = list(self._by_organization)
            changed = await changed_of_late(session, organizations, age=age, at_most=MOST_CHANGES)
        self._end_dead(credentials - living)
        for progress in (*found, *changed):
            self._deliver(progress)
        there = {(progress.organization_id, progress.summary_id) for progress in found}
        self._lose([key for key in wanted if key not in there])

    def _end_dead(self, credentials: Collection[UUID]) -> None:
        for watch in self._watches:
            if watch.principal.credential_id in credentials:
                watch.finish(End.REVOKED)

    def _lose(self, keys: Iterable[tuple[UUID, UUID]]) -> None:
        for organization_id, summary_id in keys:
            for watch in self._following(organization_id, summary_id):
                watch.lose(summary_id)
