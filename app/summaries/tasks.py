"""The job: fetch, extract, summarise. No connection is held while a page is read.

What is wrong with the page ends the summary as failed; what is wrong with us is raised, for the queue to try
again. Either way the summary's row, fenced by its attempt, says what is so.
"""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from sqlalchemy import func, null

from app.core.cache import BodyCache
from app.core.db import Database, Tenant
from app.reading.article import Article, ExtractResult, RawDocument
from app.reading.courtesy import NO_VALIDATORS, Validators
from app.reading.errors import ReadingError, Reason
from app.reading.patience import paused
from app.summaries.announcing import Announcer
from app.summaries.citizen.manners import PostponedError
from app.summaries.duplicates import address_facts, address_values, fingerprint_of
from app.summaries.engines import Composed, LanguageModel, Reader, Wish, compose, extra_seconds
from app.summaries.lending import KeptPlace, Place
from app.summaries.measuring import count_finished
from app.summaries.models import Summary
from app.summaries.redo import RedoKind, ended_without_result, is_refresh, redo_of
from app.summaries.rendering import cache_key
from app.summaries.results import finished_facts, finished_values, page_values, storable
from app.summaries.sources import PageFetcher, Sources, UnchangedError
from app.summaries.store import JobStore, OvertakenError, StepStore, SummaryKey
from app.summaries.vocabulary import SUMMARISE, Source, Status

# Fetching has 20 s, and each child process its own limit; the rest is waiting for a free one.
JOB_SECONDS = 60
MAX_TRIES = 5

log = structlog.get_logger(__name__)


class DocumentReader(Reader, Protocol):
    """`app.reading.sandbox.Sandbox`: never this process, a page may be out to kill it."""

    async def extract_document(self, document: RawDocument) -> ExtractResult: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Workbench:
    """What the worker's process lends to every job."""

    database: Database
    cache: BodyCache
    fetcher: PageFetcher
    sandbox: DocumentReader
    announcer: Announcer | None = None
    model: LanguageModel | None = None

    @asynccontextmanager
    async def writing(self, key: SummaryKey) -> AsyncIterator[JobStore]:
        """One short transaction; nobody reads from the cache what it makes untrue."""
        async with (
            self.cache.writing(cache_key(key.organization_id, key.summary_id)),
            self.database.transaction(Tenant(key.organization_id)) as session,
        ):
            yield JobStore(session, key.organization_id, self.announcer)

    @asynccontextmanager
    async def stepping(self, key: SummaryKey) -> AsyncIterator[StepStore]:
        """The same for a step that is one statement."""
        async with self.cache.writing(cache_key(key.organization_id, key.summary_id)):
            yield StepStore(self.database, key, self.announcer)


async def summarise(
    bench: Workbench, key: SummaryKey, *, tries: int, place: Place | None = None, priority: int = 0
) -> None:
    """`tries` is how often the queue has tried before. Raises what it should try once more.

    `priority` is this job's, and of one that does the work later.
    """
    async with bench.stepping(key) as steps:
        taken = await steps.take_up()
    if taken is None:
        log.info("summary_has_no_work", summary_id=str(key.summary_id))
        return
    try:
        job = SummariseJob(bench, key, taken, place=place or KeptPlace(), priority=priority)
        await job.run(tries)
    except OvertakenError:
        log.warning("summary_overtaken", summary_id=str(key.summary_id), attempt=taken.attempt)


class SummariseJob:
    """One attempt at one summary."""

    def __init__(
        self, bench: Workbench, key: SummaryKey, taken: Summary, *, place: Place, priority: int
    ) -> None:
        self._bench = bench
        self._place = place
        self._priority = priority
        self._key = key
        self._taken = taken
        self._redo = redo_of(taken)
        if self._redo is not None:
            # Not in the row before it is done: what that says was made with the former ones.
            taken.options = dict(self._redo.options)
        self._stages: dict[str, int] = dict(taken.stages)
        self._validators = NO_VALIDATORS
        # Runs from now on; stands still while the job waits to come back to its place.
        self._limit = asyncio.timeout(JOB_SECONDS + extra_seconds(taken.options))

    async def run(self, tries: int) -> None:
        if tries >= MAX_TRIES:
            # Every try took its worker down with it: the next one would too.
            await self._fail(ReadingError(Reason.INTERNAL, "the worker died of it"))
            return
        try:
            async with self._limit:
                await self._read()
        except OvertakenError:
            raise
        except PostponedError as postponed:
            await self._put_back(postponed.seconds)
        except ReadingError as error:
            # A broken child may be an accident; a second one is the document.
            if error.reason is Reason.INTERNAL and tries == 0:
                raise
            await self._fail(error)
        except Exception as error:
            if tries + 1 >= MAX_TRIES:
                await self._fail(ReadingError(Reason.INTERNAL, repr(error)))
            raise

    async def _read(self) -> None:
        try:
            article = self._in_given_language(await self._article())
        except UnchangedError:
            await self._note_unread()
            return
        if self._is_unchanged(article):
            await self._note_unchanged(article)
            return
        await self._advance(Status.SUMMARISING)
        wish = Wish.of(self._taken.options)
        composed = await compose(article, wish, reader=self._bench.sandbox, model=self._bench.model)
        self._stages["summarising"] = composed.result.milliseconds
        await self._finish(article, composed)

    async def _article(self) -> Article:
        if self._redo is not None and self._redo.kind is RedoKind.REGENERATE:
            return await Sources(self._bench.database, self._bench.fetcher).stored(self._taken)
        document = await self._document()
        await self._advance(Status.EXTRACTING)
        extracted = await self._bench.sandbox.extract_document(document)
        self._stages["extracting"] = extracted.milliseconds
        return extracted.article

    async def _document(self) -> RawDocument:
        sources = Sources(self._bench.database, self._bench.fetcher)
        if self._taken.source != Source.URL:
            return await sources.submitted(self._taken)
        began = time.monotonic()
        self._place.leave()
        try:
            known = self._known_validators()
            page = await sources.fetched(self._taken, known=known, heavy=self._come_back)
            self._validators = page.validators
            return page.document
        finally:
            await self._come_back()
            self._stages["fetching"] = round((time.monotonic() - began) * 1000)

    async def _come_back(self) -> None:
        """That others are before it is not the page's fault."""
        async with paused(self._limit):
            await self._place.come_back()

    def _in_given_language(self, article: Article) -> Article:
        language = self._taken.options.get("language")
        return dataclasses.replace(article, language=language) if language else article

    async def _advance(self, status: Status) -> None:
        async with self._bench.stepping(self._key) as steps:
            await steps.advance(self._taken.attempt, status, self._stages)

    async def _finish(self, article: Article, composed: Composed) -> None:
        text = storable(article.text)
        fingerprint = fingerprint_of(text)
        same = composed.columns() | {
            "options": self._taken.options,
            "fingerprint": fingerprint,
            "stages": self._stages,
        }
        if not await self._finish_at_once(article, composed, same, text=text):
            await self._finish_in_parts(article, composed, same, text=text)
        count_finished(self._taken, self._stages)
        log.info("summary_ready", summary_id=str(self._key.summary_id), **self._stages)

    async def _finish_at_once(
        self, article: Article, composed: Composed, same: Mapping[str, Any], *, text: str
    ) -> bool:  # Any: column values
        """False where there is more to it than writing what was found the first time."""
        if self._redo is not None:
            return False
        facts = {**finished_facts(article, composed.result), **same, "pending": None}
        if self._is_fetched:
            facts |= address_facts(self._taken, article.canonical_url, self._validators)
        async with self._bench.stepping(self._key) as steps:
            return await steps.finish(self._taken, facts, text)

    async def _finish_in_parts(
        self, article: Article, composed: Composed, same: Mapping[str, Any], *, text: str
    ) -> None:  # Any: as above
        values = {**finished_values(article, composed.result), **self._known_by(article), **same}
        async with self._bench.writing(self._key) as store:
            await store.keep_version(self._taken, fingerprint=same["fingerprint"])
            await store.write(self._taken, values)
            await store.write_text(self._taken, text)

    def _known_validators(self) -> Validators:
        """Only for what is there already need it not be sent again."""
        if not is_refresh(self._taken) or self._taken.summary is None:
            return NO_VALIDATORS
        return Validators(self._taken.http_etag, self._taken.http_last_modified)

    def _known_by(self, article: Article) -> dict[str, Any]:  # Any: column values
        """Where the page was fetched: its addresses, and when that was done again."""
        values: dict[str, Any] = {"pending": null()}  # Any: as above
        if is_refresh(self._taken):
            values["refreshed_at"] = func.now()
        if self._is_fetched:
            values |= address_values(self._taken, article.canonical_url, self._validators)
        return values

    @property
    def _is_fetched(self) -> bool:
        return self._taken.source == Source.URL and "fetching" in self._stages

    def _is_unchanged(self, article: Article) -> bool:
        """The page was fetched again and has no other words: neither has its summary, nor a new version."""
        if not is_refresh(self._taken) or self._taken.summary is None:
            return False
        return fingerprint_of(storable(article.text)) == self._taken.fingerprint

    async def _note_unchanged(self, article: Article) -> None:
        await self._keep_former(page_values(article) | self._known_by(article))

    async def _note_unread(self) -> None:
        """The origin answered that nothing has changed, and sent nothing."""
        await self._keep_former({"pending": null(), "refreshed_at": func.now()})

    async def _keep_former(self, values: Mapping[str, Any]) -> None:  # Any: column values
        await self._write({**values, "status": Status.READY, "stages": self._stages})
        count_finished(self._taken, self._stages)
        log.info("summary_unchanged", summary_id=str(self._key.summary_id), **self._stages)

    async def _put_back(self, seconds: float) -> None:
        async with self._bench.writing(self._key) as store:
            await store.put_back(self._taken, SUMMARISE, seconds=seconds, priority=self._priority)
        log.info("summary_postponed", summary_id=str(self._key.summary_id), seconds=round(seconds, 1))

    async def _fail(self, error: ReadingError) -> None:
        failure = {"failure_reason": error.reason, "failure_retryable": error.retryable}
        await self._write(ended_without_result() | failure | {"stages": self._stages})
        count_finished(self._taken, self._stages, failure=error.reason)
        log.info(
            "summary_failed",
            summary_id=str(self._key.summary_id),
            reason=error.reason,
            internal=error.internal,
        )

    async def _write(self, values: Mapping[str, Any]) -> None:  # Any: column values
        async with self._bench.writing(self._key) as store:
            await store.write(self._taken, values)
