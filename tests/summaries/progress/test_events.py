"""A row's progress as events, and the positions that clients come back with."""

from dataclasses import replace

import pytest

from app.core.ids import new_id
from app.summaries.announcing import Progress
from app.summaries.progress.events import Position, events_after, events_of
from app.summaries.vocabulary import Status

pytestmark = pytest.mark.unit

RUNNING = Progress(
    organization_id=new_id(),
    summary_id=new_id(),
    user_id=new_id(),
    visibility="private",
    status=Status.EXTRACTING,
    attempt=1,
    version=3,
    stages={"queued": 5, "fetching": 70},
)


def told(progress: Progress, after: str | None = None) -> list[str]:
    return [f"{event.position} {event.status}" for event in events_after(progress, Position.parse(after))]


@pytest.mark.parametrize("header", [None, "", "1", "1-", "-1", "1-10", "1-1 ", "x", "1-1\n", "9" * 10 + "-1"])
def test_what_is_no_position_of_ours_is_none(header: str | None) -> None:
    assert Position.parse(header) is None


def test_positions_are_read_as_they_are_written() -> None:
    assert Position.parse(str(Position(12, 3))) == Position(12, 3)
    assert Position(1, 9) < Position(2, 0) < Position(10, 0)


def test_a_message_comes_back_as_it_was_sent() -> None:
    assert Progress.from_message(RUNNING.to_message()) == RUNNING


@pytest.mark.parametrize("message", [b"", b"{}", b"[]", b'"x"', b'{"status": "ready"}', b"\xff"])
def test_a_message_of_somebody_else_is_refused(message: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Progress.from_message(message)


def test_a_running_one_has_gone_through_its_stages() -> None:
    assert told(RUNNING) == ["1-0 queued", "1-1 fetching", "1-2 extracting"]
    assert [dict(event.stages) for event in events_of(RUNNING)] == [
        {},
        {"queued": 5},
        {"queued": 5, "fetching": 70},
    ]


def test_who_was_away_gets_what_is_behind_their_position() -> None:
    assert told(RUNNING, "1-1") == ["1-2 extracting"]
    assert told(RUNNING, "1-2") == []


def test_a_position_that_was_never_reached_is_none() -> None:
    assert told(RUNNING, "1-3") == told(RUNNING)


def test_text_is_never_fetched() -> None:
    from_text = replace(RUNNING, status=Status.READY, stages={"queued": 1, "extracting": 2, "summarising": 3})
    assert told(from_text) == ["1-0 queued", "1-2 extracting", "1-3 summarising", "1-9 ready"]


def test_one_that_is_tried_again_waits_before_its_next_attempt() -> None:
    waiting = replace(RUNNING, status=Status.QUEUED, stages={})
    assert told(waiting, "1-9") == ["2-0 queued"]


def test_a_cancelled_one_tells_nothing_but_that() -> None:
    cancelled = replace(RUNNING, status=Status.FAILED, attempt=2, reason="cancelled")
    assert told(cancelled, "1-2") == ["2-9 failed"]
    (event,) = events_of(cancelled)
    assert event.failure is not None
    assert event.failure["reason"] == "cancelled"
