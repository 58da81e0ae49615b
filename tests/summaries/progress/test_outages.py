"""Progress stays right: Redis gone, messages lost, workers killed, two processes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.pubsub import publish
from app.settings import Settings
from app.summaries.announcing import channel_of
from app.summaries.progress.hub import Pace
from app.summaries.tasks import summarise
from tests.catalogue import ask
from tests.core.own_valkey import OwnValkey
from tests.factories import Person
from tests.fixtures import make_app
from tests.servers import DatabaseUrls
from tests.summaries.progress.conftest import NEVER, seat
from tests.summaries.progress.streaming import enter_unknown_status, events_of, socket_of
from tests.summaries.progress.test_cancel import HeldReader
from tests.summaries.shelf import PATH, TEXT, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration


@pytest.fixture
async def other_app(settings: Settings, app: FastAPI) -> AsyncIterator[FastAPI]:
    """Another process's: on the same servers, and with nothing else in common."""
    assert app.state.settings is settings
    other = await asyncio.to_thread(make_app, settings)
    async with LifespanManager(other):
        yield other


async def test_what_one_process_commits_the_other_hears(
    client: AsyncClient, app: FastAPI, other_app: FastAPI, alice: Person
) -> None:
    seat(other_app, pace=NEVER)
    created = await create(client, alice)
    async with events_of(other_app, created["id"], alice.headers) as stream, socket_of(other_app) as socket:
        await socket.watching(alice.headers)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        assert (await stream.rest())[-1].name == "ready"
        assert (await socket.progress("ready"))["summary_id"] == created["id"]


async def test_a_ticket_of_one_process_opens_the_other(
    client: AsyncClient, other_app: FastAPI, alice: Person
) -> None:
    answer = await client.post(f"{PATH}/ws-ticket", headers=alice.headers)
    async with socket_of(other_app, protocols=("precis.v1", f"ticket.{answer.json()['ticket']}")) as socket:
        await socket.accepted()
        await socket.hear("watching")


async def test_a_lost_announcement_is_found_by_the_next_look(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    seat(app)
    app.state.announcer = None
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream, socket_of(app) as socket:
        await socket.watching(alice.headers)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        assert [event.name for event in await stream.rest()][-3:] == ["extracting", "summarising", "ready"]
        assert (await socket.progress("ready"))["summary_id"] == created["id"]


@pytest.mark.parametrize("outage", ["kill", "freeze"])
async def test_redis_may_go_and_come_back_while_somebody_watches(
    client: AsyncClient, app: FastAPI, alice: Person, own_valkey: OwnValkey, outage: str
) -> None:
    desk = seat(app, redis_url=own_valkey.url)
    first, second = await create(client, alice), await create(client, alice)
    watch = partial(events_of, app, headers=alice.headers)
    async with watch(first["id"]) as one, watch(second["id"]) as two:
        await asyncio.to_thread(getattr(own_valkey, outage))
        await summarise(bench_of(app), key_of(alice, first["id"]), tries=0)
        assert (await one.rest())[-1].name == "ready"
        await asyncio.to_thread(own_valkey.start if outage == "kill" else own_valkey.thaw)
        await summarise(bench_of(app), key_of(alice, second["id"]), tries=0)
        assert (await two.rest())[-1].name == "ready"
    assert desk.hub.watches == 0


async def test_a_worker_that_dies_is_followed_by_the_next_attempt(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    seat(app)
    created, reader = await create(client, alice), HeldReader()
    async with events_of(app, created["id"], alice.headers) as stream:
        job = asyncio.create_task(
            summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
        )
        await stream.events("extracting")
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=1)
        events = await stream.rest()
    assert [event.id for event in events] == ["2-0", "2-2", "2-3", "2-9"]


async def lose_database(urls: DatabaseUrls) -> None:
    """Nobody gets in any more, and who is in is thrown out."""
    name = urlsplit(urls.rw).path[1:]
    connection = await asyncpg.connect(urlunsplit(urlsplit(urls.superuser)._replace(path="/postgres")))
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    await connection.close()


async def test_without_a_database_nobody_reads_on_for_long(
    client: AsyncClient, app: FastAPI, database_urls: DatabaseUrls, alice: Person
) -> None:
    created = await create(client, alice)
    desk = seat(app, pace=Pace(hearing=0.05, deaf=0.05, stale=0.3, glance=0.02))
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        async with asyncio.timeout(10):
            await lose_database(database_urls)
            (event,) = await stream.rest()
    assert (event.name, event.data) == ("reconnect", {"reason": "unavailable"})
    assert desk.hub.watches == 0


async def test_what_nobody_expected_ends_the_streams_and_not_the_looks(
    client: AsyncClient, app: FastAPI, database_urls: DatabaseUrls, alice: Person
) -> None:
    created = await create(client, alice)
    seat(app, pace=Pace(hearing=0.05, deaf=0.05, stale=0.3, glance=0.02))
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        await enter_unknown_status(database_urls)
        (event,) = await stream.rest()
    assert (event.name, event.data) == ("reconnect", {"reason": "unavailable"})
    await enter_unknown_status(database_urls, "extracting")
    async with events_of(app, created["id"], alice.headers) as stream:
        await enter_unknown_status(database_urls, "queued")
        await ask(database_urls.superuser, "DELETE FROM summaries")
        assert (await stream.rest())[-1].data == {"reason": "not_found"}


async def test_without_a_database_a_socket_is_told_to_try_later(
    app: FastAPI, database_urls: DatabaseUrls, alice: Person, bob: Person
) -> None:
    seat(app, pace=NEVER)
    async with socket_of(app) as socket, socket_of(app) as stranger:
        await socket.watching(alice.headers)
        await stranger.accepted()
        await lose_database(database_urls)
        await socket.say(type="watch", ids=[])
        assert await socket.code() == 1013
        await stranger.say(type="auth", token=bob.access_token)
        assert await stranger.code() == 1013


async def test_what_is_no_message_of_ours_is_passed_over(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    seat(app, pace=NEVER)
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        for message in (b"nonsense", b"{}", b"[1]"):
            await publish(app.state.redis, channel_of(alice.organization_id), message)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        assert (await stream.rest())[-1].name == "ready"


async def test_a_wait_is_ended_by_the_announcement(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    """Here alone: the looks of the wait come half a second apart, those of the hub never."""
    seat(app, pace=NEVER)
    headers = {**alice.headers, "Prefer": "wait=10"}
    posting = asyncio.create_task(client.post(PATH, json={"text": TEXT}, headers=headers))
    items: list[dict[str, str]] = []
    while not items:
        await asyncio.sleep(0.05)
        items = (await client.get(PATH, headers=alice.headers)).json()["items"]
    await asyncio.sleep(1)
    await summarise(bench_of(app), key_of(alice, items[0]["id"]), tries=0)
    async with asyncio.timeout(5):
        answer = await posting
    assert (answer.status_code, answer.json()["status"]) == (201, "ready")
    assert app.state.progress.hub.watches == 0
