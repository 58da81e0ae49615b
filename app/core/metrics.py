"""Prometheus: what every request is counted by, and the text that /metrics answers with."""

import os
from collections.abc import Callable
from functools import cache
from hmac import compare_digest
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_fastapi_instrumentator import metrics
from prometheus_fastapi_instrumentator.metrics import Info
from pydantic import SecretStr

CONTENT_TYPE = CONTENT_TYPE_LATEST
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

BUILD_INFO = Gauge(
    "precis_build_info", "1 for the version that runs.", ["version"], multiprocess_mode="livemax"
)
# When a series began is a second series for each, which nothing here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it ships no types


def tell_version(version: str) -> None:
    BUILD_INFO.labels(version).set(1)


def _bounded(measure: Callable[[Info], None]) -> Callable[[Info], None]:
    """A route is named only for methods that it serves: each pair is a dozen series, and clients invent."""

    def measure_bounded(info: Info) -> None:
        info.method = METHODS.get(info.method, OTHER_METHOD)
        if info.method == OTHER_METHOD or info.modified_status == METHOD_NOT_ALLOWED:
            info.modified_handler = NO_HANDLER
        measure(info)

    return measure_bounded


@cache
def _request_metrics() -> Any:  # Any: the instrumentator's own callable
    """Once a process: a second app (each test makes one) may not register the same names again."""
    return metrics.default(
        # Until an answer begins: event streams and exports last as long as their clients like.
        should_exclude_streaming_duration=True,
        latency_highr_buckets=FINE_BUCKETS,
        latency_lowr_buckets=HANDLER_BUCKETS,
    )


def instrumentator_options() -> dict[str, Any]:  # Any: keyword arguments of the instrumentator's middleware
    return {
        "should_group_status_codes": False,
        "excluded_handlers": EXCLUDED_HANDLERS,
        "instrumentations": [_bounded(_request_metrics())],
    }


def render_metrics() -> bytes:
    """Of all processes where PROMETHEUS_MULTIPROC_DIR is set (gunicorn), else of this one. Reads files."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # ships no type for it
    return generate_latest(registry)


def may_scrape(authorization: str | None, token: SecretStr | None) -> bool:
    """Anyone where no METRICS_TOKEN is set: then nginx keeps the outside away."""
    if token is None:
        return True
    expected = f"Bearer {token.get_secret_value()}"
    return compare_digest((authorization or "").encode(), expected.encode())
