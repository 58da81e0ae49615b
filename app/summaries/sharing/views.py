"""How often shared pages were looked at: counted in the process, written every few seconds.

A view waits for no write, and a page that thousands look at costs one UPDATE in ten seconds and process. What
a process has counted since is lost with it when it is killed. Nothing is kept of who looked.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog

from app.core.db import Database, Tenant
from app.summaries.sharing.repository import ShareRepository

FLUSH_SECONDS = 10.0
# While PostgreSQL is away they pile up: so many pages are some 30 MB. Others' views are lost then.
MOST_PAGES = 100_000

log = structlog.get_logger(__name__)


class ViewCounter:
    def __init__(self, database: Database, *, most_pages: int = MOST_PAGES) -> None:
        self._database = database
        self._most_pages = most_pages
        self._views: Counter[tuple[UUID, UUID]] = Counter()

    def count(self, organization_id: UUID, summary_id: UUID) -> None:
        page = (organization_id, summary_id)
        if page in self._views or len(self._views) < self._most_pages:
            self._views[page] += 1

    async def write(self) -> None:
        """What cannot be written stays counted for the next time. Raises nothing."""
        views, self._views = self._views, Counter()
        groups: dict[UUID, dict[UUID, int]] = defaultdict(dict)
        for (organization_id, summary_id), seen in views.items():
            groups[organization_id][summary_id] = seen
        for organization_id, pages in groups.items():
            try:
                async with self._database.transaction(Tenant(organization_id)) as session:
                    await ShareRepository(session, organization_id).add_views(pages)
            except Exception:
                # Whatever it was, pages are shown, and what was not written is tried again.
                log.exception("views_not_written", pages=len(pages))
                self._views.update({(organization_id, page): seen for page, seen in pages.items()})


@asynccontextmanager
async def written_every_few_seconds(
    views: ViewCounter, *, seconds: float = FLUSH_SECONDS
) -> AsyncIterator[None]:
    """For an app's life; what is left is written at its end."""
    writing = asyncio.create_task(_keep_writing(views, seconds))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await views.write()


async def _keep_writing(views: ViewCounter, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await views.write()
