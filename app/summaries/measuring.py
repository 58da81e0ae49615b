"""Summaries in figures: asked for, finished, how long each stage and the whole took, what fetching came to.

Labels are closed lists, and each is there at 0 from the start: a rate over a missing series is no zero.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import after_commit
from app.reading.errors import Reason
from app.summaries.models import Summary
from app.summaries.vocabulary import FINAL, Source, Status

STAGE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
# The objective is 30 s. What waits longer than ten minutes waits for an operator.
FRESHNESS_BUCKETS = (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 120, 300, 600)
# Beyond 20 s a fetch is given up; before it a host's turn may be waited for.
FETCH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30)
NO_REASON = "none"

SUBMITTED = Counter(
    "precis_summaries_submitted",
    "Summaries asked for that count against the quota, new or made anew, by source.",
    ["source"],
)
FINISHED = Counter(
    "precis_summaries_finished",
    "Summaries that came to an end, by outcome (ready, failed, cancelled) and failure's reason, or none.",
    ["outcome", "reason"],
)
STAGE_SECONDS = Histogram(
    "precis_summary_stage_seconds",
    "How long each stage took of the attempt that ended a summary.",
    ["stage"],
    buckets=STAGE_BUCKETS,
)
FRESHNESS = Histogram(
    "precis_summary_freshness_seconds",
    "From asking for a summary to its end, ready or failed, with all tries between.",
    buckets=FRESHNESS_BUCKETS,
)
FETCHES = Counter(
    "precis_fetches",
    "Pages asked for: fetched, unchanged, postponed (its host had its share), or the failure's reason.",
    ["outcome"],
)
FETCH_SECONDS = Histogram(
    "precis_fetch_seconds",
    "How long a page took until it was there or given up, with the wait for its host's turn.",
    buckets=FETCH_BUCKETS,
)


class Outcome(StrEnum):
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Fetching(StrEnum):
    """What may become of a fetch that does not fail."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    POSTPONED = "postponed"


FETCH_FAILURES = (
    Reason.DNS,
    Reason.CONNECT,
    Reason.TIMEOUT,
    Reason.TLS,
    Reason.HTTP_STATUS,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_TYPE,
    Reason.BLOCKED_ADDRESS,
    Reason.TOO_MANY_REDIRECTS,
    Reason.ROBOTS_DISALLOWED,
)
STAGES = tuple(status for status in Status if status not in FINAL)
_SUBMITTED = {source: SUBMITTED.labels(source) for source in Source}
_STAGE_SECONDS = {str(stage): STAGE_SECONDS.labels(stage) for stage in STAGES}
_READY = FINISHED.labels(Outcome.READY, NO_REASON)
_CANCELLED = FINISHED.labels(Outcome.CANCELLED, Reason.CANCELLED)
_FAILED: Mapping[Reason, Counter] = {
    reason: FINISHED.labels(Outcome.FAILED, reason) for reason in Reason if reason != Reason.CANCELLED
}
for _outcome in (*Fetching, *FETCH_FAILURES):
    FETCHES.labels(_outcome)


def submitted(source: str) -> None:
    """After the commit."""
    _SUBMITTED[Source(source)].inc()


def count_submitted(session: AsyncSession, source: str) -> None:
    """Once the transaction holds."""

    async def count() -> None:
        submitted(source)

    after_commit(session, count)


def count_cancelled(session: AsyncSession) -> None:
    """As above. It says nothing of how fast we are."""

    async def count() -> None:
        _CANCELLED.inc()

    after_commit(session, count)


def count_finished(taken: Summary, stages: Mapping[str, int], *, failure: Reason | None = None) -> None:
    """After the commit. `stages` in milliseconds."""
    (_READY if failure is None else _FAILED[failure]).inc()
    for stage, milliseconds in stages.items():
        _STAGE_SECONDS[stage].observe(milliseconds / 1000)
    # Of the database's clock; another machine's may be a little ahead of ours.
    asked_at = taken.asked_at or taken.created_at
    FRESHNESS.observe(max(0.0, (datetime.now(UTC) - asked_at).total_seconds()))


def count_fetch(outcome: Fetching | Reason, *, began: float) -> None:
    """`began` by time.perf_counter()."""
    FETCHES.labels(outcome).inc()
    FETCH_SECONDS.observe(time.perf_counter() - began)
