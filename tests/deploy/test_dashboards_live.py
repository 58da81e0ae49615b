"""Every panel has something to show once there is traffic: asked of a Prometheus that scrapes the service."""

import asyncio
import math
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from httpx2 import AsyncClient

from app.settings import Settings
from deploy.grafana.model import Panel, Query
from tests.deploy.promql_names import queries, without_variables
from tests.factories import Factory
from tests.load.traffic import Cast, Traffic, make_cast, site
from tests.load.watched import Sample, Watched, watched
from tests.webhooks.receiver import Receiver

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("services"),
    pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed"),
]
# A series begins with its first event; its second is what a rate is made of, once both are scraped.
ROUNDS, REST_SECONDS = 3, 1.5
PATIENCE_SECONDS = 120.0


@pytest.fixture
def pages() -> Iterator[Receiver]:
    """In a thread: a worker that stops waits for the endpoints that it has called."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(site()) as receiver:
        yield receiver


@pytest.fixture
async def cast(factory: Factory, client: AsyncClient) -> Cast:
    """One of them has asked before: tenants are measured when a worker starts, and each minute."""
    cast = await make_cast(factory, people=1)
    body = {"text": "Reading costs less than writing. " * 20}
    accepted = await client.post("/api/v1/summaries", headers=cast.robots[0].headers, json=body)
    assert accepted.status_code == 202
    return cast


@pytest.fixture
def service(cast: Cast, pages: Receiver, settings: Settings, tmp_path: Path) -> Iterator[Watched]:  # noqa: ARG001  # what it measures must be there first
    """Not asynchronous: its start blocks."""
    few = {"WEB_CONCURRENCY": "1", "READING_PROCESSES": "1"}
    environment = few | {"FETCH_ALLOW_HOSTS": f"127.0.0.1:{pages.port}"}
    with watched(settings, tmp_path, environment=environment) as service:
        yield service


@pytest.fixture
async def traffic(service: Watched, pages: Receiver, cast: Cast) -> AsyncIterator[Traffic]:
    """Of people and programs that have just used it; some still watch a summary."""
    async with AsyncClient(base_url=service.url, timeout=30, trust_env=False) as client:
        traffic = Traffic(client, cast, pages)
        await traffic.hook()
        await traffic.rounds(ROUNDS, rest_seconds=REST_SECONDS)
        yield traffic
        await asyncio.gather(*traffic.watching)


def fault(panel: Panel, query: Query, samples: list[Sample]) -> str:
    if not samples:
        return "nothing"
    if not all(math.isfinite(sample.value) for sample in samples):
        return "not a number"
    if panel.low == 0 and min(sample.value for sample in samples) < 0:
        return "below its axis"
    for label in re.findall(r"{{(\w+)}}", query.legend):
        # A line at 0 stands for what has not happened: it may lack a label.
        if not all(sample.labels.get(label) or not sample.value for sample in samples):
            return f"no {label} for the legend"
    return ""


def faults(service: Watched) -> dict[str, str]:
    found = {}
    for dashboard, panel, query in queries():
        expr = without_variables(query.expr)
        found[f"{dashboard.name}: {panel.title}: {expr}"] = fault(panel, query, service.query(expr))
    return {place: what for place, what in found.items() if what}


async def test_every_panel_shows_numbers_after_some_traffic(service: Watched, traffic: Traffic) -> None:
    assert {200, 201, 202, 401, 403, 404, 422, 429} <= set(traffic.statuses)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := await asyncio.to_thread(faults, service):
        assert time.monotonic() < deadline, found
        await traffic.rounds(1, rest_seconds=REST_SECONDS)


def test_what_shows_nothing_or_no_number_is_a_fault() -> None:
    panel, query = Panel("", "", "", "short", []), Query("", "{{kind}}")
    samples = [Sample(labels, ((0.0, value),)) for labels, value in (({}, math.nan), ({}, -1), ({}, 1))]
    found = [fault(panel, query, each) for each in ([], *([sample] for sample in samples))]
    assert found == ["nothing", "not a number", "below its axis", "no kind for the legend"]
    assert fault(panel, query, [Sample({"kind": "a"}, ((0.0, 1),))]) == ""
