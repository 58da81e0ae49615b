"""What may be done with a summary, and by whom. Whatever changes one also makes the cache forget it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache import BodyCache, CachedBody, Miss
from app.core.conditional import PreconditionFailedError
from app.core.db import after_commit
from app.core.errors import FieldFault, ValidationFailedError
from app.core.http import matches_if_match
from app.core.idempotency_store import Keeping
from app.core.jobs import enqueue
from app.core.pagination import CursorCodec, Keyset, PageOfRows, PageRequest
from app.core.principal import Principal
from app.organizations.usage.service import count_summary, settle
from app.reading.article import RawDocument
from app.reading.errors import Reason
from app.reading.urls import HostPort
from app.summaries.announcing import PromptAnnouncer, announce_after_commit
from app.summaries.drafts import content_of, parse_url
from app.summaries.duplicates import Outcome, Submission, without_callback
from app.summaries.errors import (
    NotRefreshableError,
    SummaryForbiddenError,
    SummaryHasNoTextError,
    SummaryNotFailedError,
    SummaryNotFoundError,
    SummaryUnfinishedError,
)
from app.summaries.filters import Filters
from app.summaries.measuring import count_submitted
from app.summaries.models import Summary, stamp
from app.summaries.reads import SummaryReads
from app.summaries.redo import Redo, RedoKind, queued_values
from app.summaries.rendering import (
    cache_key,
    document_of,
    document_with_text,
    etag_of,
    etag_with_text,
    may_read,
)
from app.summaries.repository import BACKLOG_PER_STEP, SummaryRepository
from app.summaries.schemas import SummaryChanges, SummaryDraft
from app.summaries.taking.repository import write
from app.summaries.taking.service import drafted, job_of, writing_of
from app.summaries.telling.service import tell_of_change
from app.summaries.vocabulary import CALLBACK, FINAL, SUMMARISE, OnDuplicate, Source, Status

# Of one summary, beside the callback that it began with: each is a delivery to somebody else's server.
MOST_ALSO_CALLED = 10
# None where no answer is kept.
Keep = Callable[[Submission], Keeping | None]


async def enqueue_summarising(session: AsyncSession, summary_id: UUID, repository: SummaryRepository) -> None:
    """Graded by the tenant's backlog: a thousand pages of one tenant do not delay another's first."""
    await enqueue(
        session,
        SUMMARISE,
        args=job_of(repository.organization_id, summary_id),
        queueing_lock=str(summary_id),
        priority=-(await repository.backlog() // BACKLOG_PER_STEP),
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the process a request's service works with. `allow_hosts`: FETCH_ALLOW_HOSTS."""

    cache: BodyCache
    cursors: CursorCodec
    reads: SummaryReads
    allow_hosts: frozenset[HostPort] = frozenset()
    announcer: PromptAnnouncer | None = None


class SummaryService:
    """What `principal` may see and do, inside the transaction of `session`."""

    def __init__(self, session: AsyncSession, principal: Principal, surroundings: Surroundings) -> None:
        self._session = session
        self._principal = principal
        self._cache = surroundings.cache
        self._reads = surroundings.reads
        self._announcer = surroundings.announcer
        self._allow_hosts = surroundings.allow_hosts
        self._summaries = SummaryRepository(session, principal.organization_id)

    async def submit(self, draft: SummaryDraft, *, keep: Keep) -> Submission:
        """`keep` seals the answer, for the statement that writes a new one; an equal one is not sealed."""
        summary = drafted(draft, self._principal, allow_hosts=self._allow_hosts)
        equal = None
        if draft.on_duplicate is not OnDuplicate.NEW:
            await self._summaries.lock_submission(summary)
            equal = await self._summaries.find_equal(summary)
        if equal is None:
            return await self._add(summary, content_of(draft), keep)
        if equal.status not in FINAL:
            await self._call_also(equal, summary.options.get(CALLBACK))
        if draft.on_duplicate is OnDuplicate.RETURN:
            return Submission(equal, Outcome.RETURNED)
        return Submission(await self._renew(equal, options=summary.options), Outcome.REFRESHED)

    async def _call_also(self, equal: Summary, url: str | None) -> None:
        """Raises ValidationFailedError where it calls as many as it may."""
        if url is None or url in equal.also_call:
            return
        if len(equal.also_call) >= MOST_ALSO_CALLED:
            fault = FieldFault("/callback", "too_many", "The summary being made calls as many as it may")
            raise ValidationFailedError(faults=[fault])
        await self._summaries.call_also(equal, url)

    async def _add(self, summary: Summary, submitted: str | RawDocument | None, keep: Keep) -> Submission:
        """One statement: row, texts, job, answer and count. Raises QuotaExceededError, and all is undone."""
        submission = Submission(summary, Outcome.CREATED)
        writing = writing_of(summary, submitted, self._principal, keep(submission))
        written = await write(self._session, writing)
        stamp(summary, written.began)
        await settle(self._session, self._principal, written.counted)
        count_submitted(self._session, summary.source)
        announce_after_commit(self._session, self._announcer, summary)
        return submission

    async def _renew(self, equal: Summary, *, options: Mapping[str, Any]) -> Summary:  # Any: JSON
        """What is still being worked on is as fresh as it can be."""
        if equal.status not in FINAL:
            return equal
        kind = RedoKind.REFRESH if equal.source == Source.URL else RedoKind.REGENERATE
        return await self._redo(equal, Redo(kind, options))

    async def redo(
        self,
        summary_id: UUID,
        kind: RedoKind,
        *,
        choices: Mapping[str, Any],  # Any: JSON
        if_match: str | None,
    ) -> Summary:
        """`choices` overrule the options that it was made with."""
        summary = await self.changeable(summary_id, if_match)
        if summary.status not in FINAL:
            raise SummaryUnfinishedError
        options = without_callback(summary.options) | dict(choices)
        return await self._redo(summary, Redo(kind, options))

    async def _redo(self, summary: Summary, redo: Redo) -> Summary:
        """Counted as a summary: it costs one. Raises QuotaExceededError."""
        if redo.kind is RedoKind.REFRESH and summary.source != Source.URL:
            raise NotRefreshableError
        if redo.kind is RedoKind.REGENERATE and not await self._summaries.has_text(summary.id):
            raise SummaryHasNoTextError
        queued = await self.write(summary.id, queued_values(redo))
        await enqueue_summarising(self._session, summary.id, self._summaries)
        await count_summary(self._session, self._principal)
        count_submitted(self._session, summary.source)
        return queued

    async def get(self, summary_id: UUID) -> Summary:
        summary = await self._summaries.find(summary_id, viewer=self._principal.user_id)
        if summary is None:
            raise SummaryNotFoundError
        return summary

    async def document(
        self, summary_id: UUID, *, is_seen: bool = True, missed: Miss | None = None
    ) -> CachedBody:
        """From the cache where it is warm: then not one statement runs.

        What is not to be kept stays until somebody has seen it: HEAD's answer has no body. `missed`: it was
        looked for already.
        """
        found = missed or await self._cache.get(cache_key(self._principal.organization_id, summary_id))
        if isinstance(found, CachedBody):
            if not may_read(self._principal, found):
                raise SummaryNotFoundError
            return found
        cold = await self._reads.find(self._principal, summary_id, found)
        if cold is None:
            raise SummaryNotFoundError
        return cold.document if cold.is_kept else await self._unkept(summary_id, is_seen=is_seen)

    async def _unkept(self, summary_id: UUID, *, is_seen: bool) -> CachedBody:
        summary = await self.get(summary_id)
        if is_seen:
            await self.hand_over(summary)
        return document_of(summary)

    async def document_with_text(self, summary_id: UUID, *, is_seen: bool = True) -> CachedBody:
        found = await self._reads.find_with_text(self._principal, summary_id)
        if found is None:
            raise SummaryNotFoundError
        if found.is_kept:
            return found.document
        summary = await self.get(summary_id)
        document = document_with_text(summary, await self._summaries.find_text(summary_id))
        if is_seen:
            await self.hand_over(summary)
        return document

    async def hand_over(self, summary: Summary) -> None:
        """What is not to be kept is deleted with the transaction in which its final state is read."""
        if summary.ephemeral and summary.status in FINAL:
            await self._summaries.discard(summary.id, owner=summary.user_id)

    async def page(self, filters: Filters, keyset: Keyset, request: PageRequest) -> PageOfRows[bytes]:
        """Of rendered items."""
        return await self._reads.page(self._principal, filters, keyset, request)

    async def count(self, filters: Filters, *, at_most: int | None) -> int:
        return await self._reads.count(self._principal, filters, at_most=at_most)

    async def change(self, summary_id: UUID, changes: SummaryChanges, *, if_match: str | None) -> Summary:
        summary = await self.changeable(summary_id, if_match)
        values = self._values(changes)
        return await self.write(summary_id, values) if values else summary

    async def trash(self, summary_id: UUID, *, if_match: str | None) -> None:
        if await self._summaries.discard(summary_id, owner=self._principal.user_id):
            return
        await self.changeable(summary_id, if_match)
        await self.write(summary_id, {"deleted_at": func.now()})

    async def retry(self, summary_id: UUID) -> Summary:
        """What failed was counted when it was asked for. Raises SummaryNotFailedError, QuotaExceededError."""
        summary = await self.changeable(summary_id, if_match=None)
        if summary.status != Status.FAILED:
            raise SummaryNotFailedError
        # Otherwise whoever cancels in time, again and again, has the work done and pays for one.
        is_counted_anew = summary.failure_reason == Reason.CANCELLED
        queued = await self.write(summary_id, queued_values(None))
        await enqueue_summarising(self._session, summary_id, self._summaries)
        if is_counted_anew:
            await count_summary(self._session, self._principal)
        return queued

    async def changeable(self, summary_id: UUID, if_match: str | None) -> Summary:
        summary = await self._summaries.find_locked(summary_id, viewer=self._principal.user_id)
        if summary is None:
            raise SummaryNotFoundError
        if summary.user_id != self._principal.user_id and not self._principal.manages_organization:
            raise SummaryForbiddenError
        if not any(matches_if_match(if_match, etag) for etag in (etag_of(summary), etag_with_text(summary))):
            raise PreconditionFailedError
        return summary

    def _values(self, changes: SummaryChanges) -> dict[str, Any]:  # Any: column values
        values = changes.model_dump(exclude_unset=True)
        if "archived" in values:
            since = func.coalesce(Summary.archived_at, func.now())
            values["archived_at"] = since if values.pop("archived") else None
        if "url" in values:
            values["canonical_url"] = parse_url(changes.url, self._allow_hosts).canonical
            # What the row says is still of the former address: no submission of this one is equal to it, and
            # the former origin's validators say nothing of this one.
            values |= dict.fromkeys(("submitted_key", "http_etag", "http_last_modified"))
        if "title" in values:
            values["own_title"] = changes.title is not None
        if "summary" in values:
            # Words of the user's own stand nowhere in the source: offsets into it would lie.
            values |= {"sentences": [], "summary_word_count": len(changes.summary.split())}
        return values

    async def write(self, summary_id: UUID, values: dict[str, Any]) -> Summary:  # Any: column values
        key = cache_key(self._principal.organization_id, summary_id)
        await self._cache.hold(key)
        after_commit(self._session, lambda: self._cache.invalidate(key))
        written = await self._summaries.change(summary_id, values)
        announce_after_commit(self._session, self._announcer, written)
        await tell_of_change(self._session, written, values)
        return written
