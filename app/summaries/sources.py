"""Where a job's document comes from: fetched, or what was sent in."""

from dataclasses import dataclass
from typing import Protocol

from app.core.db import Database, Tenant
from app.reading.article import RawDocument
from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetched
from app.reading.urls import InvalidUrlError
from app.summaries.models import Summary
from app.summaries.store import JobStore
from app.summaries.vocabulary import Source

SUBMITTED_TYPES = {Source.TEXT: "text/plain", Source.HTML: "text/html"}


class PageFetcher(Protocol):
    """`app.reading.fetch.Fetcher`."""

    async def fetch(self, url: str) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class Sources:
    database: Database
    fetcher: PageFetcher

    async def fetched(self, taken: Summary) -> RawDocument:
        """Raises ReadingError."""
        try:
            fetched = await self.fetcher.fetch(taken.url or "")
        except InvalidUrlError as error:
            raise ReadingError(Reason.BLOCKED_ADDRESS, str(error)) from error
        return RawDocument(
            fetched.body, fetched.content_type, fetched.charset, fetched.final_url, taken.title
        )

    async def submitted(self, taken: Summary) -> RawDocument:
        async with self.database.transaction(Tenant(taken.organization_id)) as session:
            submitted = await JobStore(session, taken.organization_id).submitted(taken.id)
        content_type = SUBMITTED_TYPES[Source(taken.source)]
        return RawDocument(submitted.encode(), content_type, "utf-8", taken.url, taken.title)
