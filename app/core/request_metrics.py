"""What every request is counted by: the instrumentator's metrics, whose series are looked up once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Summary
from prometheus_client.registry import Collector
from prometheus_fastapi_instrumentator import metrics
from prometheus_fastapi_instrumentator.metrics import Info
from typing_extensions import override

# Probes come every few seconds and would drown the latencies that people feel.
EXCLUDED_HANDLERS = ("^/metrics$", "^/health", "^/ping$")
# The objective is 250 ms: bounds stand close around it. Waiting requests may take 15 s.
FINE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 15, 20)
# Of each route and method: a bound more is a hundred series more.
HANDLER_BUCKETS = (0.1, 0.25, 0.5, 1, 5)
# What a route can be asked by; a HEAD is a GET whose body stays here.
METHODS = {method: method for method in ("GET", "POST", "PUT", "PATCH", "DELETE")} | {"HEAD": "GET"}
OTHER_METHOD = "other"
NO_HANDLER = "none"
METHOD_NOT_ALLOWED = "405"


class Answered(NamedTuple):
    """`seconds` until the answer began; `handler`: a route's template, or NO_HANDLER."""

    method: str
    handler: str
    status: str
    received_bytes: int
    sent_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Series:
    requests: Counter
    received: Summary
    sent: Summary
    fine: Histogram
    coarse: Histogram

    def count(self, answered: Answered) -> None:
        self.requests.inc()
        self.received.observe(answered.received_bytes)
        self.sent.observe(answered.sent_bytes)
        self.fine.observe(answered.seconds)
        self.coarse.observe(answered.seconds)


class Definitions(CollectorRegistry):
    """Keeps what is defined in it: the instrumentator gives its metrics to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Any] = []  # Any: a counter, summaries, histograms

    @override
    def register(self, collector: Collector) -> None:
        REGISTRY.register(collector)
        self.made.append(collector)


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """`instrumentation` is the instrumentator's own way of counting, which looks each series up each time."""

    instrumentation: Callable[[Info], None] | None
    requests: Counter
    received: Summary
    sent: Summary
    fine: Histogram
    coarse: Histogram


@cache
def request_metrics() -> RequestMetrics:
    """Once a process: a second app (each test makes one) may not register the same names again."""
    defined = Definitions()
    instrumentation = metrics.default(
        # Until an answer begins: event streams and exports last as long as their clients like.
        should_exclude_streaming_duration=True,
        latency_highr_buckets=FINE_BUCKETS,
        latency_lowr_buckets=HANDLER_BUCKETS,
        registry=defined,
    )
    return RequestMetrics(instrumentation, *defined.made)


def count_request(answered: Answered) -> None:
    """A route is named only for methods that it serves: each pair is a dozen series, and clients invent."""
    method, handler = METHODS.get(answered.method, OTHER_METHOD), answered.handler
    if method == OTHER_METHOD or answered.status == METHOD_NOT_ALLOWED:
        handler = NO_HANDLER
    _series(method, handler, answered.status).count(answered)


@cache
def _series(method: str, handler: str, status: str) -> Series:
    """As many as there are series."""
    found = request_metrics()
    return Series(
        found.requests.labels(method, status, handler),
        found.received.labels(handler),
        found.sent.labels(handler),
        found.fine,
        found.coarse.labels(method, handler),
    )


def instrumentator_options() -> dict[str, Any]:  # Any: keyword arguments of the instrumentator's middleware
    return {
        "excluded_handlers": EXCLUDED_HANDLERS,
        "instrumentations": [request_metrics().instrumentation],
    }
