"""Prometheus: the version that runs, and the text that /metrics answers with."""

import os
from hmac import compare_digest

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from pydantic import SecretStr

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUILD_INFO = Gauge(
    "precis_build_info", "1 for the version that runs.", ["version"], multiprocess_mode="livemax"
)
# When a series began is a second series for each, which nothing here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it ships no types


def tell_version(version: str) -> None:
    BUILD_INFO.labels(version).set(1)


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
