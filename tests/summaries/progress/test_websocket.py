"""WS /ws/summaries, and the ticket that opens it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.ids import new_id
from app.settings import Settings
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.event_stream import StreamPace
from app.summaries.tasks import summarise
from tests.factories import Person, Robot
from tests.servers import DatabaseUrls
from tests.summaries.progress.conftest import NEVER, seat
from tests.summaries.progress.streaming import SocketClient, enter_unknown_status, socket_of
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration

NOT_UNDERSTOOD = (
    "nonsense",
    '{"type": "auth", "token": "x"}',
    '{"type": "watch", "ids": ["x"]}',
    '{"type": "ping", "x": 1}',
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"streams_per_person": 2, "streams_per_process": 20, "cors_origins": ["https://app.example"]}
    return settings.model_copy(update=changes)


async def test_all_that_i_may_see_and_nothing_else_is_told(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    async with socket_of(app) as socket:
        await socket.watching(bob.headers)
        hidden, foreign = await create(client, alice), await create(client, charlie)
        shared = await create(client, alice, visibility="organization")
        for person, summary in ((alice, hidden), (charlie, foreign), (alice, shared)):
            await summarise(bench_of(app), key_of(person, summary["id"]), tries=0)
        heard = await socket.hear("progress")
        assert heard["summary_id"] == shared["id"]
        ready = await socket.progress("ready")
    assert ready["summary_id"] == shared["id"]
    assert ready["stages"].keys() == {"queued", "extracting", "summarising"}


async def test_who_comes_late_is_told_of_what_is_under_way(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    created = await create(client, alice)
    async with socket_of(app) as socket:
        await socket.watching(robot.headers)
        heard = await socket.hear("progress")
    assert (heard["summary_id"], heard["status"]) == (created["id"], "queued")


async def test_only_the_named_ones_are_told_and_foreign_ones_are_unknown(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    other, mine = await create(client, alice), await create(client, alice)
    his, never = await create(client, charlie), str(new_id())
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        await socket.say(type="watch", ids=[mine["id"], his["id"], never])
        heard = await socket.hear("watching")
        assert (heard["ids"], heard["unknown"]) == ([mine["id"]], [his["id"], never])
        for person, summary in ((alice, other), (charlie, his), (alice, mine)):
            await summarise(bench_of(app), key_of(person, summary["id"]), tries=0)
        ready = await socket.progress("ready")
    assert ready["summary_id"] == mine["id"]


async def test_what_is_deleted_is_told_as_gone(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        await client.delete(f"{PATH}/{created['id']}", headers=alice.headers)
        assert (await socket.hear("gone"))["summary_id"] == created["id"]


async def test_what_is_said_back_to_back_is_answered_in_its_order(app: FastAPI, alice: Person) -> None:
    async with socket_of(app) as socket:
        await socket.accepted()
        await socket.say(type="auth", token=alice.access_token)
        await socket.say(type="ping")
        await socket.say(type="watch", ids=[])
        heard = [await socket.hear() for _ in range(3)]
    assert [message["type"] for message in heard] == ["watching", "pong", "watching"]
    assert [message.get("ids") for message in heard] == [None, None, []]


async def test_a_ping_is_answered(app: FastAPI, alice: Person) -> None:
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        await socket.say(type="ping")
        assert await socket.hear("pong") == {"type": "pong"}


async def test_what_is_not_understood_ends_it(app: FastAPI, alice: Person, subtests: pytest.Subtests) -> None:
    for message in NOT_UNDERSTOOD:
        async with socket_of(app) as socket:
            await socket.watching(alice.headers)
            await socket.say_text(message)
            with subtests.test(message):
                assert await socket.code() == 4400


async def test_who_talks_too_much_is_hung_up_on(app: FastAPI, alice: Person) -> None:
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        for _ in range(12):
            await socket.say(type="ping")
        assert await socket.code() == 4429


async def test_a_session_that_has_ended_ends_its_socket(
    client: AsyncClient, app: FastAPI, alice: Person, desk: ProgressDesk
) -> None:
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        answer = await client.post("/api/v1/auth/logout-all", headers=alice.headers)
        assert answer.status_code == 200
        assert await socket.code() == 4401
    assert desk.hub.watches == 0


async def test_a_socket_gets_only_so_old(app: FastAPI, alice: Person) -> None:
    """It outlives the token that opened it, and whoever comes back needs a new one."""
    desk = seat(app, pace=NEVER, stream=StreamPace(life=0.2))
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        assert await socket.code() == 1012
    assert desk.hub.watches == 0


async def test_a_fault_of_ours_while_a_message_is_answered_ends_it(
    client: AsyncClient, app: FastAPI, database_urls: DatabaseUrls, alice: Person
) -> None:
    seat(app, pace=NEVER)
    created = await create(client, alice)
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        await enter_unknown_status(database_urls)
        await socket.say(type="watch", ids=[created["id"]])
        assert await socket.code() == 1013


async def test_a_process_that_is_to_stop_hangs_up(app: FastAPI, alice: Person, desk: ProgressDesk) -> None:
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        app.state.draining = True
        assert await socket.code() == 1012
    assert desk.hub.watches == 0


@pytest.mark.alone
async def test_a_client_that_reads_nothing_is_given_up(
    client: AsyncClient, app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    seat(app, stream=StreamPace(life=60, send=0.1))
    async with socket_of(app) as socket:
        await socket.watching(alice.headers)
        socket.peer.window.clear()
        await create(client, alice)
        async with asyncio.timeout(0.5):
            while app.state.progress.hub.watches:  # noqa: ASYNC110  # nobody tells the test
                await asyncio.sleep(0.01)
    await assert_nothing_is_left()


async def leave_at_once(socket: SocketClient) -> None:
    socket.peer.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with asyncio.timeout(5):
        await socket.task


async def test_who_leaves_leaves_nothing_behind(
    app: FastAPI, alice: Person, assert_nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    for _ in range(5):
        async with socket_of(app) as socket:
            await socket.watching(alice.headers)
            await leave_at_once(socket)
    async with socket_of(app) as unknown:
        await unknown.accepted()
        await leave_at_once(unknown)
    await assert_nothing_is_left()
