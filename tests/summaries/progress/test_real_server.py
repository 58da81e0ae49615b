"""Through uvicorn and real sockets: what ASGI alone does not show."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import AsyncClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.core.serving.lingering import LingeringProtocol
from app.summaries.tasks import summarise
from tests.core.own_valkey import free_port
from tests.factories import Person
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """Where it is served, with the settings of gunicorn.conf.py that bear on sockets."""
    config = uvicorn.Config(
        app,
        http=LingeringProtocol,
        port=free_port(),
        lifespan="off",
        log_config=None,
        ws_max_size=16_384,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.01)
    yield config.port
    server.should_exit = True
    await serving


async def open_stream(
    port: int, summary_id: str, person: Person
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {PATH}/{summary_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    writer.write(f"{request}Authorization: {person.headers['Authorization']}\r\n\r\n".encode())
    return reader, writer


async def hear(socket: ClientConnection, kind: str) -> dict[str, object]:
    async with asyncio.timeout(10):
        while True:
            message: dict[str, object] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def code_of(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        await socket.wait_closed()
    return socket.close_code


async def test_events_leave_at_once_and_the_connection_stays_usable(
    client: AsyncClient, app: FastAPI, alice: Person, port: int
) -> None:
    created = await create(client, alice)
    reader, writer = await open_stream(port, created["id"], alice)
    async with asyncio.timeout(10):
        await reader.readuntil(b"event: queued")
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        await reader.readuntil(b"event: ready")
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_broken_connection_leaves_nothing_behind(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    port: int,
    assert_nothing_is_left: Callable[[], Awaitable[None]],
) -> None:
    created = await create(client, alice)
    for _ in range(5):
        reader, writer = await open_stream(port, created["id"], alice)
        await reader.readuntil(b"event: queued")
        writer.transport.abort()
    async with asyncio.timeout(5):
        while app.state.progress.slots.taken:  # noqa: ASYNC110  # nobody tells the test
            await asyncio.sleep(0.01)
    await assert_nothing_is_left()


async def test_a_page_opens_a_socket_by_its_ticket(
    client: AsyncClient, app: FastAPI, alice: Person, port: int
) -> None:
    ticket = (await client.post(f"{PATH}/ws-ticket", headers=alice.headers)).json()["ticket"]
    protocols = [Subprotocol("precis.v1"), Subprotocol(f"ticket.{ticket}")]
    url = f"ws://127.0.0.1:{port}/ws/summaries"
    async with connect(url, subprotocols=protocols, origin=Origin("http://127.0.0.1:8000")) as socket:
        assert socket.subprotocol == "precis.v1"
        await hear(socket, "watching")
        created = await create(client, alice)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        while (await hear(socket, "progress"))["status"] != "ready":
            pass


async def test_refusals_and_close_codes_arrive(app: FastAPI, alice: Person, port: int) -> None:
    url = f"ws://127.0.0.1:{port}/ws/summaries"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["code"] == "cross_site_request"
    async with connect(url) as socket:
        await socket.send('{"type": "auth", "token": "nonsense"}')
        assert await code_of(socket) == 4401
    async with connect(url) as socket:
        await socket.send(json.dumps({"type": "auth", "token": alice.access_token}))
        await hear(socket, "watching")
        await socket.send("x" * 20_000)
        assert await code_of(socket) == 1009
    async with connect(url) as socket:
        await socket.send(json.dumps({"type": "auth", "token": alice.access_token}))
        await hear(socket, "watching")
        app.state.draining = True
        assert await code_of(socket) == 1012
