"""Cancelling, and trying again what failed: one summary of anybody's, or many of mine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.db import after_commit
from app.core.jobs import enqueue_many, withdraw
from app.organizations.usage.service import count_summary
from app.reading.errors import Reason
from app.summaries.announcing import Progress, announce_after_commit, progress_of
from app.summaries.measuring import count_cancelled
from app.summaries.models import Summary
from app.summaries.progress.errors import SummaryFinishedError
from app.summaries.progress.repository import FailedSummaries, RetryFilters
from app.summaries.redo import ended_without_result, queued_values
from app.summaries.rendering import cache_key
from app.summaries.repository import BACKLOG_PER_STEP
from app.summaries.service import SummaryService
from app.summaries.vocabulary import FINAL, SUMMARISE

# Of so many wanted, how many may be had now.
Grant = Callable[[int], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Retried:
    ids: list[UUID]
    left: int


class ProgressService(SummaryService):
    async def progress(self, summary_id: UUID) -> Progress:
        return progress_of(await self.get(summary_id))

    async def cancel(self, summary_id: UUID) -> Summary:
        """As often as one likes. Raises SummaryFinishedError where it came to an end of its own."""
        summary = await self.changeable(summary_id, if_match=None)
        if summary.status in FINAL:
            if summary.failure_reason == Reason.CANCELLED:
                return summary
            raise SummaryFinishedError
        cancelled = await self.write(summary_id, _cancelled_values())
        await withdraw(self._session, queueing_lock=str(summary_id))
        count_cancelled(self._session)
        return cancelled

    async def retry_failed(self, filters: RetryFilters, *, at_most: int, grant: Grant) -> Retried:
        """The oldest first, as many as `grant` lets through. What another transaction holds is left out.

        As of one, what was cancelled is counted anew. Raises QuotaExceededError, and begins none.
        """
        count = await self._failed.count(filters)
        ids = await self._failed.lock(filters, at_most=await grant(min(count, at_most)))
        if ids:
            cancelled = await self._failed.cancelled_among(ids)
            await self._requeue(ids)
            if cancelled:
                await count_summary(self._session, self._principal, many=cancelled)
        return Retried(ids, left=await self._failed.count(filters))

    async def _requeue(self, ids: Sequence[UUID]) -> None:
        organization_id = self._principal.organization_id
        keys = [cache_key(organization_id, summary_id) for summary_id in ids]
        await self._cache.hold(*keys)
        after_commit(self._session, lambda: self._cache.invalidate(*keys))
        for row in await self._failed.requeue(ids, queued_values(None)):
            announce_after_commit(self._session, self._announcer, row)
        await enqueue_many(
            self._session,
            SUMMARISE,
            args_by_lock={str(summary_id): _job(organization_id, summary_id) for summary_id in ids},
            priority=-(await self._summaries.backlog() // BACKLOG_PER_STEP),
        )

    @property
    def _failed(self) -> FailedSummaries:
        who = self._principal
        return FailedSummaries(self._session, who.organization_id, owner=who.user_id)


def _job(organization_id: UUID, summary_id: UUID) -> dict[str, str | int]:
    return {"organization_id": str(organization_id), "summary_id": str(summary_id)}


def _cancelled_values() -> dict[str, Any]:  # Any: column values
    """The next attempt's: whatever the job of this one still writes, it is overtaken."""
    failure: Mapping[str, Any] = {"failure_reason": Reason.CANCELLED, "failure_retryable": None}
    return {**ended_without_result(), **failure, "attempt": Summary.attempt + 1}
