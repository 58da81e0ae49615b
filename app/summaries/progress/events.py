"""A summary's stages as events, each with a position from which a client goes on.

All of them follow from the row alone, so that one announcement that was lost, or a client that was away, only
means that the next look brings more than one event.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from typing_extensions import override

from app.reading.errors import ADVICE, Reason
from app.summaries.announcing import Progress
from app.summaries.vocabulary import Status

WORKING = (Status.QUEUED, Status.FETCHING, Status.EXTRACTING, Status.SUMMARISING)
# Behind every stage that there may ever be.
LAST_STEP = 9
_POSITION = re.compile(r"(\d{1,9})-(\d)")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """`attempt` 1 is the first; a summary that waits is before its next attempt's first stage."""

    attempt: int
    step: int

    @override
    def __str__(self) -> str:
        return f"{self.attempt}-{self.step}"

    @classmethod
    def parse(cls, header: str | None) -> Self | None:
        """From Last-Event-ID; None where it is not one of ours."""
        found = _POSITION.fullmatch(header or "")
        return cls(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """`stages`: milliseconds of those that were over by then."""

    position: Position
    status: Status
    stages: Mapping[str, int]
    failure: Mapping[str, str] | None = None


def events_of(progress: Progress) -> list[ProgressEvent]:
    """Of its present attempt, in order: the stages that it went through, and where it is now."""
    if progress.status is Status.QUEUED:
        return [ProgressEvent(Position(progress.attempt + 1, 0), Status.QUEUED, {})]
    stages = [status for status in WORKING if status in progress.stages or status is progress.status]
    # Whoever cancels takes an attempt of its own, in which no stage was begun.
    begun = [] if progress.reason == Reason.CANCELLED else stages
    events = [_working(progress, status) for status in begun]
    return [*events, _final(progress)] if progress.is_final else events


def events_after(progress: Progress, position: Position | None) -> list[ProgressEvent]:
    """All of them where the position is not one that this summary has had."""
    events = events_of(progress)
    if position is None or position > events[-1].position:
        return events
    return [event for event in events if event.position > position]


def data_of(progress: Progress, event: ProgressEvent) -> dict[str, Any]:  # Any: JSON
    return {
        "summary_id": str(progress.summary_id),
        "status": event.status,
        "attempt": event.position.attempt,
        "version": progress.version,
        "stages": dict(event.stages),
        "failure": event.failure,
    }


def _working(progress: Progress, status: Status) -> ProgressEvent:
    step = WORKING.index(status)
    over = {str(name): progress.stages[name] for name in WORKING[:step] if name in progress.stages}
    return ProgressEvent(Position(progress.attempt, step), status, over)


def _final(progress: Progress) -> ProgressEvent:
    failure = None
    if progress.reason is not None:
        failure = {"reason": progress.reason, "hint": ADVICE[Reason(progress.reason)].hint}
    return ProgressEvent(Position(progress.attempt, LAST_STEP), progress.status, progress.stages, failure)
