"""GET /summaries/{id}/events."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.ids import new_id
from app.settings import Settings
from app.summaries.tasks import summarise
from tests.factories import Person
from tests.summaries.progress.streaming import events_of
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"streams_per_person": 2, "streams_per_process": 3})


def assert_nothing_is_left(app: FastAPI) -> None:
    desk = app.state.progress
    assert (desk.slots.taken, desk.slots.people, desk.hub.watches) == (0, 0, 0)
    assert app.state.database.engine.pool.checkedout() == 0


async def test_nobody_watches_without_a_credential(client: AsyncClient) -> None:
    answer = await client.get(f"{PATH}/{new_id()}/events")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_private_summary_is_unknown_to_others(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    created = await create(client, alice)
    for person in (bob, charlie):
        answer = await client.get(f"{PATH}/{created['id']}/events", headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_found")
    assert_nothing_is_left(app)


async def test_stages_come_as_they_happen_and_the_stream_ends_with_the_last(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice, url="http://example.com/page")
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        events = await stream.rest()
    assert events[-1].name == "ready"
    assert events[-1].data["stages"].keys() == {"queued", "fetching", "extracting", "summarising"}
    assert events[-1].id == "1-9"
    assert_nothing_is_left(app)


async def test_it_is_neither_cached_nor_held_back(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    async with events_of(app, created["id"], {**alice.headers, "Accept-Encoding": "gzip"}) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in stream.headers
        assert "content-length" not in stream.headers
        assert "x-ratelimit-remaining" in stream.headers
        assert (await stream.chunk()).startswith("retry: 3000\n\nid: 1-0\nevent: queued\n")
