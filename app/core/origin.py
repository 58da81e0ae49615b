"""Where work comes from: the request's id and its trace (W3C Trace Context), from API to delivery.

Both are there whether spans are recorded or not, as they tie the log lines of one story together. What is
stored with a job or a delivery is an `Origin`; whoever takes it up works on as that origin's continuation.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars, reset_contextvars

TRACEPARENT = "traceparent"
REQUEST_ID = "X-Request-ID"
# Beside a job's own arguments; the worker takes it out before the task sees them.
JOB_ARGUMENT = "_origin"
TRACE_BYTES, SPAN_BYTES = 16, 8

# Section 3.2: of a version later than 00 only what both have is read. `tracestate` is never passed on: it is
# others' data.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID, _SPAN_ID = slice(3, 35), slice(36, 52)
# Where no span is: as text, since a request that nobody traces only tells it.
_here: ContextVar[str | None] = ContextVar("traceparent", default=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """`traceparent` names the span that asked for the work. Neither: the work began by itself."""

    request_id: str | None = None
    traceparent: str | None = None

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any] | None) -> "Origin":  # Any: JSON
        known = stored or {}
        return cls(known.get("request_id"), known.get("traceparent"))

    def as_arguments(self) -> dict[str, Any]:  # Any: JSON
        """What a job's arguments get beside their own; nothing where there is nothing to tell."""
        if self.request_id is None and self.traceparent is None:
            return {}
        return {JOB_ARGUMENT: {"request_id": self.request_id, "traceparent": self.traceparent}}

    def as_headers(self) -> dict[str, str]:
        """For whom we call on the request's behalf."""
        headers = {REQUEST_ID: self.request_id, TRACEPARENT: self.traceparent}
        return {name: value for name, value in headers.items() if value is not None}


def current_origin() -> Origin:
    return Origin(current_request_id(), _current())


def current_request_id() -> str | None:
    """The id of the request that this code runs for; None in a worker's own rounds and at start."""
    found: str | None = get_contextvars().get("request_id")
    return found


def current_trace_id() -> str | None:
    here = _current()
    return here[_TRACE_ID] if here else None


class Arriving:
    """Around a request: its log lines have both ids. FastAPI's own span, where there is one, is kept.

    A class, for it stands around every request: a generator's context costs twice as much.
    """

    __slots__ = ("_begun", "_bound", "_request_id", "_traceparent")

    def __init__(self, request_id: str, traceparent: str | None) -> None:
        self._request_id = request_id
        self._traceparent = traceparent

    def __enter__(self) -> None:
        here = _current()
        self._begun: Token[str | None] | None = None
        if here is None:
            here = _read(self._traceparent) or _fresh()
            self._begun = _here.set(here)
        # Not structlog's bound_contextvars, which copies the context to see what else is bound: 10 us each.
        self._bound = bind_contextvars(request_id=self._request_id, trace_id=here[_TRACE_ID])

    def __exit__(self, *_: object) -> None:
        reset_contextvars(**self._bound)
        if self._begun is not None:
            _here.reset(self._begun)


@contextmanager
def resumed(origin: Origin) -> Iterator[None]:
    """Around what a request left to be done: as its part, whatever this task did before."""
    here = _read(origin.traceparent) or _fresh()
    with _attached(here), bound_contextvars(request_id=origin.request_id, trace_id=here[_TRACE_ID]):
        yield


@contextmanager
def _attached(here: str) -> Iterator[None]:
    """For OpenTelemetry too: spans that are made within are its children."""
    flags = TraceFlags(int(here[-2:], 16))
    parent = SpanContext(int(here[_TRACE_ID], 16), int(here[_SPAN_ID], 16), is_remote=True, trace_flags=flags)
    begun = _here.set(here)
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
    try:
        yield
    finally:
        context.detach(token)
        _here.reset(begun)


def _current() -> str | None:
    span = trace.get_current_span().get_span_context()
    return _written(span) if span.is_valid else _here.get()


def _read(traceparent: str | None) -> str | None:
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or (found[1] == "00" and found[5]) or not (int(found[2], 16) and int(found[3], 16)):
        return None
    return f"00-{found[2]}-{found[3]}-{int(found[4], 16) & TraceFlags.SAMPLED:02x}"


def _fresh() -> str:
    # One call of the system for both.
    random = secrets.token_hex(TRACE_BYTES + SPAN_BYTES)
    return f"00-{random[: 2 * TRACE_BYTES]}-{random[2 * TRACE_BYTES :]}-00"


def _written(here: SpanContext) -> str:
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"
