"""What may be done with a summary, and by whom. Whatever changes one also makes the cache forget it."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache import BodyCache, CachedBody
from app.core.db import after_commit
from app.core.http import matches_if_match
from app.core.ids import new_id
from app.core.jobs import enqueue
from app.core.pagination import CursorCodec, Keyset, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.organizations.usage.service import count_summary
from app.reading.urls import HostPort
from app.summaries.announcing import Announcer, announce_after_commit
from app.summaries.drafts import parse_url, refuse_oversize, to_summary
from app.summaries.errors import (
    PreconditionFailedError,
    SummaryForbiddenError,
    SummaryNotFailedError,
    SummaryNotFoundError,
)
from app.summaries.models import Summary
from app.summaries.rendering import cache_key, document_of, document_with_text, etag_of, etag_with_text
from app.summaries.repository import Filters, SummaryRepository
from app.summaries.schemas import SummaryChanges, SummaryDraft
from app.summaries.vocabulary import Status, Visibility

SUMMARISE = "summaries.summarise"
# So many waiting summaries of one tenant put its next one a step behind everybody else's.
BACKLOG_PER_STEP = 10


async def enqueue_summarising(session: AsyncSession, summary_id: UUID, repository: SummaryRepository) -> None:
    """Graded by the tenant's backlog: a thousand pages of one tenant do not delay another's first."""
    await enqueue(
        session,
        SUMMARISE,
        args={"organization_id": str(repository.organization_id), "summary_id": str(summary_id)},
        queueing_lock=str(summary_id),
        priority=-(await repository.backlog() // BACKLOG_PER_STEP),
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the process a request's service works with. `allow_hosts`: FETCH_ALLOW_HOSTS."""

    cache: BodyCache
    cursors: CursorCodec
    allow_hosts: frozenset[HostPort] = frozenset()
    announcer: Announcer | None = None


class SummaryService:
    """What `principal` may see and do, inside the transaction of `session`."""

    def __init__(self, session: AsyncSession, principal: Principal, surroundings: Surroundings) -> None:
        self._session = session
        self._principal = principal
        self._cache = surroundings.cache
        self._cursors = surroundings.cursors
        self._announcer = surroundings.announcer
        self._allow_hosts = surroundings.allow_hosts
        self._summaries = SummaryRepository(session, principal.organization_id)

    async def create(self, draft: SummaryDraft) -> Summary:
        refuse_oversize(draft)
        summary = to_summary(draft, self._principal, summary_id=new_id(), allow_hosts=self._allow_hosts)
        await self._summaries.add(summary, submitted=draft.text or draft.html)
        await enqueue_summarising(self._session, summary.id, self._summaries)
        await count_summary(self._session, self._principal)
        announce_after_commit(self._session, self._announcer, summary)
        return summary

    async def get(self, summary_id: UUID) -> Summary:
        summary = await self._summaries.find(summary_id, viewer=self._principal.user_id)
        if summary is None:
            raise SummaryNotFoundError
        return summary

    async def document(self, summary_id: UUID) -> CachedBody:
        """From the cache where it is warm: then not one statement runs."""
        found = await self._cache.get(cache_key(self._principal.organization_id, summary_id))
        if isinstance(found, CachedBody):
            if found.visibility == Visibility.PRIVATE and found.owner_id != self._principal.user_id:
                raise SummaryNotFoundError
            return found
        document = document_of(await self.get(summary_id))
        await self._cache.put(found, document)
        return document

    async def document_with_text(self, summary_id: UUID) -> CachedBody:
        summary = await self.get(summary_id)
        return document_with_text(summary, await self._summaries.find_text(summary_id))

    async def page(self, filters: Filters, keyset: Keyset, request: PageRequest) -> PageOfRows[Summary]:
        viewer = self._principal.user_id
        scope = {**asdict(filters), "organization_id": self._principal.organization_id, "viewer": viewer}
        pagination = Pagination(self._cursors, keyset, request, scope)
        return await self._summaries.page(viewer=viewer, filters=filters, pagination=pagination)

    async def count(self, filters: Filters) -> int:
        return await self._summaries.count(viewer=self._principal.user_id, filters=filters)

    async def change(self, summary_id: UUID, changes: SummaryChanges, *, if_match: str | None) -> Summary:
        summary = await self._changeable(summary_id, if_match)
        values = self._values(changes)
        return await self._write(summary_id, values) if values else summary

    async def trash(self, summary_id: UUID, *, if_match: str | None) -> None:
        await self._changeable(summary_id, if_match)
        await self._write(summary_id, {"deleted_at": func.now()})

    async def retry(self, summary_id: UUID) -> Summary:
        summary = await self._changeable(summary_id, if_match=None)
        if summary.status != Status.FAILED:
            raise SummaryNotFailedError
        again: dict[str, Any] = {
            "status": Status.QUEUED,
            "failure_reason": None,
            "failure_retryable": None,
            "stages": {},
        }
        queued = await self._write(summary_id, again)
        await enqueue_summarising(self._session, summary_id, self._summaries)
        return queued

    async def _changeable(self, summary_id: UUID, if_match: str | None) -> Summary:
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
        if "url" in values:
            values["canonical_url"] = parse_url(changes.url, self._allow_hosts).canonical
        if "summary" in values:
            # Words of the user's own stand nowhere in the source: offsets into it would lie.
            values |= {"sentences": [], "summary_word_count": len(changes.summary.split())}
        return values

    async def _write(self, summary_id: UUID, values: dict[str, Any]) -> Summary:  # Any: column values
        key = cache_key(self._principal.organization_id, summary_id)
        await self._cache.hold(key)
        after_commit(self._session, lambda: self._cache.invalidate(key))
        written = await self._summaries.change(summary_id, values)
        announce_after_commit(self._session, self._announcer, written)
        return written
