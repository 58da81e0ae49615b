"""Watching where there is no Redis at all: the looks at the database do it alone."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.settings import Settings
from app.summaries.tasks import summarise
from tests.core.own_valkey import free_port
from tests.factories import Person
from tests.summaries.progress.conftest import seat
from tests.summaries.progress.streaming import events_of, socket_of
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})


async def test_everybody_is_told_all_the_same(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    seat(app)
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream, socket_of(app) as socket:
        await socket.watching(alice.headers)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        assert (await stream.rest())[-1].name == "ready"
        assert (await socket.progress("ready"))["summary_id"] == created["id"]


async def test_there_are_no_tickets_and_the_hint_says_what_else(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(f"{PATH}/ws-ticket", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert '"type": "auth"' in answer.json()["hint"]


async def test_a_ticket_opens_nothing(app: FastAPI) -> None:
    async with socket_of(app, protocols=("precis.v1", "ticket.nonsense")) as socket:
        await socket.accepted()
        assert await socket.code() == 4401
