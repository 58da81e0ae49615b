"""GET /summaries/{id}/events."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.ids import new_id
from app.reading.errors import ReadingError, Reason
from app.settings import Settings
from app.summaries.progress.event_stream import StreamPace
from app.summaries.tasks import summarise
from tests.factories import Factory, Person
from tests.held_connections import assert_none_is_held
from tests.summaries.progress.conftest import seat
from tests.summaries.progress.streaming import events_of
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration

STAGES = ["queued", "extracting", "summarising", "ready"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"streams_per_person": 2, "streams_per_process": 3})


async def test_nobody_watches_without_a_credential(client: AsyncClient) -> None:
    answer = await client.get(f"{PATH}/{new_id()}/events")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_private_summary_is_unknown_to_others(
    client: AsyncClient,
    alice: Person,
    bob: Person,
    charlie: Person,
    assert_nothing_is_left: Callable[[], Awaitable[None]],
) -> None:
    created = await create(client, alice)
    for person in (bob, charlie):
        answer = await client.get(f"{PATH}/{created['id']}/events", headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_found")
    await assert_nothing_is_left()


async def test_a_person_has_so_many_streams_and_a_process_too(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, factory: Factory
) -> None:
    mine, his = await create(client, alice), await create(client, charlie)
    dora = await factory.person("dora")
    async with events_of(app, mine["id"], alice.headers), events_of(app, mine["id"], alice.headers):
        third = await client.get(f"{PATH}/{mine['id']}/events", headers=alice.headers)
        assert (third.status_code, third.json()["code"]) == (429, "too_many_streams")
        async with events_of(app, his["id"], charlie.headers) as stream:
            assert stream.status == 200
            full = await client.get(f"{PATH}/{new_id()}/events", headers=dora.headers)
    assert (full.status_code, full.json()["code"]) == (503, "streams_full")
    assert (third.headers["Retry-After"], full.headers["Retry-After"]) == ("30", "5")


async def test_stages_come_as_they_happen_and_the_stream_ends_with_the_last(
    client: AsyncClient, app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    created = await create(client, alice, url="http://example.com/page")
    async with events_of(app, created["id"], alice.headers) as stream:
        assert [event.name for event in await stream.events("queued")] == ["queued"]
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        events = await stream.rest()
    assert [event.name for event in events] == ["fetching", *STAGES[1:]]
    assert [event.id for event in events] == ["1-1", "1-2", "1-3", "1-9"]
    assert list(events[1].data["stages"]) == ["queued", "fetching"]
    assert events[-1].data["stages"].keys() == {"queued", "fetching", "extracting", "summarising"}
    assert events[-1].data["summary_id"] == created["id"]
    await assert_nothing_is_left()


async def test_a_failure_says_why(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    reader = ScriptedReader(ReadingError(Reason.TOO_SHORT))
    async with events_of(app, created["id"], alice.headers) as stream:
        await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
        events = await stream.rest()
    assert events[-1].name == "failed"
    assert events[-1].data["failure"]["reason"] == "too_short"


async def test_it_is_neither_cached_nor_held_back(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    async with events_of(app, created["id"], {**alice.headers, "Accept-Encoding": "gzip"}) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers.keys().isdisjoint({"content-encoding", "content-length"})
        assert "x-ratelimit-remaining" in stream.headers
        assert (await stream.chunk()).startswith("retry: 3000\n\nid: 1-0\nevent: queued\n")


async def test_who_comes_back_is_told_what_it_missed(
    client: AsyncClient, app: FastAPI, alice: Person, subtests: pytest.Subtests
) -> None:
    created = await create(client, alice)
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    for last_id, missed in {None: 0, "nonsense": 0, "9-9": 0, "1-0": 1, "1-3": 3}.items():
        async with events_of(app, created["id"], alice.headers, last_id=last_id) as stream:
            with subtests.test(str(last_id)):
                assert [event.name for event in await stream.rest()] == STAGES[missed:]


async def test_who_has_the_last_event_need_not_come_back(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    headers = {**alice.headers, "Last-Event-ID": "1-9"}
    answer = await client.get(f"{PATH}/{created['id']}/events", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_retry_is_told_to_who_saw_it_fail(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    reader = ScriptedReader(ReadingError(Reason.TOO_SHORT))
    await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
    await client.post(f"{PATH}/{created['id']}/retry", headers=alice.headers)
    async with events_of(app, created["id"], alice.headers, last_id="1-9") as stream:
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        events = await stream.rest()
    assert (events[0].id, events[0].name) == ("2-0", "queued")
    assert (events[-1].id, events[-1].name) == ("2-9", "ready")


async def test_a_silent_stream_beats(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    seat(app, stream=StreamPace(life=60, heartbeat=0.05))
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.chunk()
        assert [await stream.chunk(), await stream.chunk()] == [": heartbeat\n\n"] * 2


async def test_an_old_stream_is_to_come_back(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    seat(app, stream=StreamPace(life=0.2))
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        events = await stream.rest()
    assert (events[-1].name, events[-1].data) == ("reconnect", {"reason": "too_old"})
    # Without an id: the client keeps the position that it has.
    assert events[-1].id is None
    assert "retry: " in stream.body.rpartition("event: reconnect")[0][-12:]


@pytest.mark.alone
async def test_a_process_that_is_to_stop_sends_its_clients_elsewhere(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        app.state.draining = True
        async with asyncio.timeout(1):
            (event,) = await stream.rest()
    assert (event.name, event.data) == ("reconnect", {"reason": "draining"})


async def test_a_client_that_leaves_leaves_nothing_behind(
    client: AsyncClient, app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    created = await create(client, alice)
    tasks = asyncio.all_tasks()
    for _ in range(5):
        async with events_of(app, created["id"], alice.headers) as stream:
            await stream.events("queued")
            await stream.leave()
    await assert_nothing_is_left()
    # The connection to Redis, its two halves, and who looks: once a process, however many streams.
    assert len(asyncio.all_tasks() - tasks) <= 4


async def test_a_client_that_is_cut_off_leaves_nothing_behind(
    client: AsyncClient, app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        stream.task.cancel()
        await asyncio.gather(stream.task, return_exceptions=True)
        await assert_nothing_is_left()


async def test_a_client_that_reads_nothing_is_given_up(
    client: AsyncClient, app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    seat(app, stream=StreamPace(life=60, send=0.1))
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        stream.peer.window.clear()
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        async with asyncio.timeout(5):
            await stream.task
        await assert_nothing_is_left()


async def test_a_stream_holds_no_connection_to_the_database(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    async with (
        events_of(app, created["id"], alice.headers) as one,
        events_of(app, created["id"], alice.headers) as other,
    ):
        for stream in (one, other):
            await stream.events("queued")
        await assert_none_is_held(app)
        assert [stream.task.done() for stream in (one, other)] == [False, False]
