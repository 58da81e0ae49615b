"""Where a job's document comes from: fetched, or what was sent in."""

import time
from dataclasses import dataclass, replace
from typing import Protocol

from app.core.db import Database, Tenant
from app.core.tracing import part
from app.reading.article import Article, RawDocument
from app.reading.courtesy import NO_VALIDATORS, Validators
from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetched
from app.reading.patience import Heavy, at_once
from app.reading.urls import InvalidUrlError
from app.summaries.citizen.manners import PostponedError
from app.summaries.measuring import Fetching, count_fetch
from app.summaries.models import Summary
from app.summaries.store import JobStore
from app.summaries.vocabulary import Source

SUBMITTED_TYPES = {Source.TEXT: "text/plain", Source.HTML: "text/html"}


class PageFetcher(Protocol):
    """`app.reading.fetch.Fetcher`."""

    async def fetch(
        self, url: str, *, validators: Validators = NO_VALIDATORS, heavy: Heavy = at_once
    ) -> Fetched: ...


class UnchangedError(Exception):
    """The page says that it is still what it was when it was fetched before."""


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    document: RawDocument
    validators: Validators


@dataclass(frozen=True, slots=True)
class Sources:
    database: Database
    fetcher: PageFetcher

    async def fetched(
        self, taken: Summary, *, known: Validators = NO_VALIDATORS, heavy: Heavy = at_once
    ) -> FetchedDocument:
        """Raises ReadingError, PostponedError; UnchangedError since it was `known` by these."""
        fetched = await self._fetch(taken.url or "", known, heavy)
        if fetched.is_unchanged:
            raise UnchangedError
        document = RawDocument(
            fetched.body, fetched.content_type, fetched.charset, fetched.final_url, _own_title(taken)
        )
        return FetchedDocument(document, fetched.validators)

    async def _fetch(self, url: str, known: Validators, heavy: Heavy) -> Fetched:
        began = time.perf_counter()
        try:
            with part("fetch") as made:
                fetched = await self.fetcher.fetch(url, validators=known, heavy=heavy)
                made.set_attribute("http.response.status_code", fetched.status)
        except InvalidUrlError as error:
            count_fetch(Reason.BLOCKED_ADDRESS, began=began)
            raise ReadingError(Reason.BLOCKED_ADDRESS, str(error)) from error
        except ReadingError as error:
            count_fetch(error.reason, began=began)
            raise
        except PostponedError:
            count_fetch(Fetching.POSTPONED, began=began)
            raise
        count_fetch(Fetching.UNCHANGED if fetched.is_unchanged else Fetching.FETCHED, began=began)
        return fetched

    async def stored(self, taken: Summary) -> Article:
        """As it was extracted before."""
        async with self.database.transaction(Tenant(taken.organization_id)) as session:
            text = await JobStore(session, taken.organization_id).extracted(taken.id)
        return Article(
            text=text,
            title=taken.title,
            author=taken.author,
            published_at=taken.published_at,
            site_name=taken.site_name,
            language=taken.language,
        )

    async def submitted(self, taken: Summary) -> RawDocument:
        """Raises ReadingError."""
        async with self.database.transaction(Tenant(taken.organization_id)) as session:
            store = JobStore(session, taken.organization_id)
            if taken.source == Source.FILE:
                return _named(await store.document(taken.id), _own_title(taken))
            submitted = await store.submitted(taken.id)
        content_type = SUBMITTED_TYPES[Source(taken.source)]
        return RawDocument(submitted.encode(), content_type, "utf-8", taken.url, _own_title(taken))


def _named(document: RawDocument | None, title: str | None) -> RawDocument:
    if document is None:
        raise ReadingError(Reason.EMPTY_EXTRACTION, "the file is gone")
    return replace(document, title=title)


def _own_title(taken: Summary) -> str | None:
    """One that a page gave before does not stand in the way of its next."""
    return taken.title if taken.own_title else None
