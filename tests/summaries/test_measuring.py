"""A summary's way in figures: each is counted once, when it holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from prometheus_client import REGISTRY

from app.reading.errors import ReadingError, Reason
from app.summaries.citizen.manners import PostponedError
from app.summaries.tasks import summarise
from tests.factories import Person
from tests.measured import value
from tests.summaries.shelf import PATH, create, set_columns
from tests.summaries.workbench import ScriptedFetcher, bench_of, key_of

pytestmark = pytest.mark.integration
URL = "https://example.com/rain"
FRESHNESS = "precis_summary_freshness_seconds"


@contextmanager
def counted(name: str, by: float = 1, /, **labels: str) -> Iterator[None]:
    before = value(name, **labels)
    yield
    assert value(name, **labels) == before + by, (name, labels)


def finished(outcome: str, reason: str = "none") -> dict[str, str]:
    return {"outcome": outcome, "reason": reason}


async def test_what_is_refused_is_not_counted(client: AsyncClient, alice: Person) -> None:
    with counted("precis_summaries_submitted_total", 0, source="url"):
        await client.post(PATH, json={"url": "mailto:rain"}, headers=alice.headers)


async def test_each_asking_is_counted_by_its_source(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    with counted("precis_summaries_submitted_total", 2, source="url"):
        created = await create(client, alice, url=URL)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        await client.post(f"{PATH}/{created['id']}/refresh", headers=alice.headers)


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.HTTP_STATUS])
async def test_a_failure_is_counted_by_its_reason(
    client: AsyncClient, alice: Person, app: FastAPI, reason: Reason
) -> None:
    created = await create(client, alice, url=URL)
    bench = bench_of(app, fetcher=ScriptedFetcher(ReadingError(reason)))
    with (
        counted("precis_summaries_finished_total", **finished("failed", reason)),
        counted("precis_fetches_total", outcome=reason),
        counted("precis_fetch_seconds_count"),
        counted(f"{FRESHNESS}_count"),
    ):
        await summarise(bench, key_of(alice, created["id"]), tries=0)


async def test_a_finished_one_is_counted_once_with_each_of_its_stages(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    key = key_of(alice, (await create(client, alice, url=URL))["id"])
    with (
        counted("precis_summaries_finished_total", **finished("ready")),
        counted("precis_fetches_total", outcome="fetched"),
        counted("precis_summary_stage_seconds_count", stage="queued"),
        counted("precis_summary_stage_seconds_count", stage="fetching"),
        counted("precis_summary_stage_seconds_sum", 0.007, stage="extracting"),
        counted("precis_summary_stage_seconds_count", stage="summarising"),
    ):
        for _delivery in range(2):
            await summarise(bench_of(app), key, tries=0)


async def test_what_is_put_off_or_cancelled_has_not_been_late(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    bench = bench_of(app, fetcher=ScriptedFetcher(PostponedError(9.0)))
    with counted("precis_fetches_total", outcome="postponed"), counted(f"{FRESHNESS}_count", 0):
        await summarise(bench, key_of(alice, created["id"]), tries=0)
        with counted("precis_summaries_finished_total", **finished("cancelled", "cancelled")):
            for _time in range(2):
                await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)


async def test_freshness_begins_anew_with_each_asking(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    key = key_of(alice, (await create(client, alice, url=URL))["id"])
    await set_columns(app, alice, str(key.summary_id), asked_at=datetime.now(UTC) - timedelta(seconds=40))
    with counted(f"{FRESHNESS}_count"), counted(f"{FRESHNESS}_bucket", 0, le="30.0"):
        await summarise(bench_of(app), key, tries=0)
    await client.post(f"{PATH}/{key.summary_id}/refresh", headers=alice.headers)
    with counted(f"{FRESHNESS}_bucket", le="30.0"):
        await summarise(bench_of(app), key, tries=0)


def test_every_reason_is_there_at_0_before_the_first() -> None:
    for reason in set(Reason) - {Reason.CANCELLED}:
        labels = finished("failed", reason)
        assert REGISTRY.get_sample_value("precis_summaries_finished_total", labels) is not None
