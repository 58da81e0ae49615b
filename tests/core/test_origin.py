"""The request's id and trace: what of a caller's is believed, and how both travel."""

import pytest
from structlog.contextvars import get_contextvars

from app.core.origin import (
    JOB_ARGUMENT,
    Arriving,
    Origin,
    current_origin,
    current_request_id,
    current_trace_id,
    resumed,
)

pytestmark = pytest.mark.unit

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_is_no_traceparent_gives_way_to_a_trace_of_our_own(traceparent: str) -> None:
    with Arriving("an-id", traceparent):
        ours = current_trace_id()
        assert ours is not None
        assert ours != TRACE
        assert get_contextvars() == {"request_id": "an-id", "trace_id": ours}


@pytest.mark.parametrize("traceparent", [f"00-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-00-more"])
def test_a_traceparent_is_continued(traceparent: str) -> None:
    with Arriving("an-id", traceparent):
        assert get_contextvars()["trace_id"] == TRACE


def test_what_a_request_left_to_be_done_is_its_part() -> None:
    with Arriving("an-id", f"00-{TRACE}-{SPAN}-01"):
        stored = current_origin().as_arguments()
    assert stored == {JOB_ARGUMENT: {"request_id": "an-id", "traceparent": f"00-{TRACE}-{SPAN}-01"}}
    with Arriving("another", None), resumed(Origin.of_arguments(stored[JOB_ARGUMENT])):
        assert get_contextvars() == {"request_id": "an-id", "trace_id": TRACE}
        assert current_origin().as_headers() == {
            "X-Request-ID": "an-id",
            "traceparent": f"00-{TRACE}-{SPAN}-01",
        }


def test_what_nobody_asked_for_has_a_trace_and_no_request() -> None:
    with Arriving("an-id", None), resumed(Origin.of_arguments(None)):
        assert get_contextvars()["request_id"] is None
        assert len(get_contextvars()["trace_id"]) == 32
    assert current_trace_id() is None
    assert current_origin().as_arguments() == {}
    assert current_origin().as_headers() == {}


def test_a_span_that_is_there_is_kept_and_the_line_is_put_back_afterwards() -> None:
    with Arriving("outer", f"00-{TRACE}-{SPAN}-01"):
        with Arriving("inner", None):
            assert (current_request_id(), current_trace_id()) == ("inner", TRACE)
        assert (current_request_id(), current_trace_id()) == ("outer", TRACE)
    assert (current_request_id(), current_trace_id()) == (None, None)
