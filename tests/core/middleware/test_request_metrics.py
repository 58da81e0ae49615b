"""Named and counted as the instrumentator's own middleware does it, which matches all routes beforehand."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_fastapi_instrumentator import metrics
from prometheus_fastapi_instrumentator.metrics import Info
from prometheus_fastapi_instrumentator.middleware import PrometheusInstrumentatorMiddleware
from starlette.middleware import Middleware

from app.core import request_metrics as ours
from app.core.middleware.request_metrics import RequestMetricsMiddleware
from tests.core.small_app import connect, failing_app, small_app, small_settings
from tests.measured import value

pytestmark = pytest.mark.unit
ROUTE = "/api/v1/items/{item_id}"
ASKED: list[tuple[str, str, dict[str, Any]]] = [  # Any: keyword arguments
    ("GET", "/api/v1/items/7", {}),
    ("HEAD", "/api/v1/items/7", {}),
    ("GET", "/api/v1/items/7/", {}),
    ("POST", "/api/v1/items", {"json": {"name": "a"}}),
    ("POST", "/api/v1/items", {"json": {}}),
    ("DELETE", "/api/v1/items/7", {}),
    ("PATCH", "/api/v1/items/7", {}),
    ("BREW", "/api/v1/items/7", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/health/nothing", {}),
    ("GET", "/api/v1/large", {"headers": {"accept-encoding": "gzip"}}),
    ("GET", "/api/v1/items/7", {"headers": {"host": "evil.example"}}),
    ("POST", "/api/v1/raw", {"content": b"a" * (1024 * 1024 + 1)}),
    ("GET", "/api/v1/items?token=1", {}),
    ("GET", "/fail", {}),
]


def bounded(measure: Callable[[Info], None]) -> Callable[[Info], None]:
    """The rule of `count_request`, in the instrumentator's own terms."""

    def measure_bounded(info: Info) -> None:
        info.method = ours.METHODS.get(info.method, ours.OTHER_METHOD)
        if info.method == ours.OTHER_METHOD or info.modified_status == ours.METHOD_NOT_ALLOWED:
            info.modified_handler = ours.NO_HANDLER
        measure(info)

    return measure_bounded


def counted(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Without what time it took."""
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    kept = [sample for sample in samples if sample.name.startswith("http_") and "duration" not in sample.name]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in kept}


def observed_twice(registry: CollectorRegistry) -> FastAPI:
    """By the instrumentator's own middleware around everything, too."""
    app = failing_app(RuntimeError("boom"))
    app.user_middleware.clear()
    other = small_app(small_settings(allowed_hosts=["testserver"]))
    app.user_middleware.extend(other.user_middleware)
    wanted: object = RequestMetricsMiddleware
    place = next(n for n, each in enumerate(app.user_middleware) if each.cls is wanted)
    options: dict[str, Any] = {  # Any: keyword arguments
        "should_group_status_codes": False,
        "excluded_handlers": ours.EXCLUDED_HANDLERS,
        "instrumentations": [bounded(metrics.default(registry=registry))],  # type: ignore[arg-type]  # it is one
    }
    app.user_middleware.insert(place, Middleware(PrometheusInstrumentatorMiddleware, **options))
    return app


async def ask_all(client: AsyncClient) -> None:
    for method, path, options in ASKED:
        await client.request(method, path, **options)


async def test_every_series_has_the_name_the_labels_and_the_value_that_the_instrumentator_gives_it() -> None:
    registry = CollectorRegistry()
    before = counted(REGISTRY)
    async with connect(observed_twice(registry), raise_app_exceptions=False) as client:
        await ask_all(client)
    theirs, after = counted(registry), counted(REGISTRY)
    assert {name: after[name] - before.get(name, 0.0) for name in theirs} == theirs
    assert {name for name in after if after[name] != before.get(name, 0.0)} <= theirs.keys()


async def test_time_is_counted_until_the_answer_begins() -> None:
    before = value("http_request_duration_seconds_count", method="GET", handler=ROUTE)
    async with connect(small_app()) as client:
        await client.get("/api/v1/items/7")
    assert value("http_request_duration_seconds_count", method="GET", handler=ROUTE) == before + 1
