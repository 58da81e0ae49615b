"""A server that is told to stop, seen by a client that keeps its connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config

from app.core.serving.lingering import LingeringProtocol
from app.core.serving.server import CarefulServer, refuse_until_served

pytestmark = pytest.mark.integration
SHORT = 0.2


class HastyProtocol(LingeringProtocol):
    linger_seconds = SHORT


@dataclass
class Site:
    """`/slow` waits for `go` before its head, `/long` between head and body."""

    listener: socket.socket
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    started: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await self._at(scope["path"] == "/slow")
        length = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await self._at(scope["path"] == "/long")
        await send({"type": "http.response.body", "body": b"ok"})

    async def _at(self, held: bool) -> None:  # noqa: FBT001  # a condition, not a choice
        if held:
            self.asked.set()
            await self.go.wait()


@dataclass
class Running:
    site: Site
    server: CarefulServer
    connections: list["Connection"] = field(default_factory=list)
    stopping: "asyncio.Task[None] | None" = None

    async def connect(self, connected: socket.socket | None = None) -> "Connection":
        one = connected or socket.create_connection(self.site.listener.getsockname())
        connection = Connection(*await asyncio.open_connection(sock=one))
        self.connections.append(connection)
        return connection

    async def stop(self) -> None:
        """Until it has begun to."""
        self.stopping = asyncio.create_task(self.server.shutdown([self.site.listener]))
        await asyncio.sleep(0.01)
        assert self.site.listener.fileno() == -1


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, path: str) -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())

    async def head(self) -> bytes:
        return (await self.reader.readuntil(b"\r\n\r\n")).lower()

    async def answer(self) -> bytes:
        head = await self.head()
        return head + await self.reader.readexactly(2)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """As uvicorn's `serve` begins, which would also take our signals."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = Site(listener)
        config = Config(
            site, http=HastyProtocol, log_config=None, lifespan="off", timeout_graceful_shutdown=5
        )
        config.load()
        server = CarefulServer(config, on_started=lambda: site.started.append("started"))
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        running = Running(site, server)
        yield running
        site.go.set()
        if running.stopping is None:
            await running.stop()
        assert running.stopping is not None
        await running.stopping
        for connection in running.connections:
            connection.writer.close()
            await connection.writer.wait_closed()


async def test_it_says_once_that_it_serves(running: Running) -> None:
    assert running.site.started == ["started"]


async def test_a_kept_connection_is_answered_once_more_and_told_that_it_ends(running: Running) -> None:
    connection = await running.connect()
    connection.ask("/")
    assert b"connection: close" not in await connection.answer()
    await running.stop()
    connection.ask("/")
    assert b"connection: close" in await connection.answer()
    assert await connection.reader.read() == b""


async def test_a_connection_that_is_not_used_any_more_is_closed(running: Running) -> None:
    connection = await running.connect()
    connection.ask("/")
    await connection.answer()
    await running.stop()
    assert await asyncio.wait_for(connection.reader.read(), 5) == b""


async def test_a_connection_that_has_asked_for_nothing_yet_may(running: Running) -> None:
    connection = await running.connect()
    await asyncio.sleep(0.05)
    await running.stop()
    connection.ask("/")
    assert b"connection: close" in await connection.answer()


async def test_an_answer_that_is_being_made_says_that_it_is_the_last(running: Running) -> None:
    connection = await running.connect()
    connection.ask("/slow")
    await running.site.asked.wait()
    await running.stop()
    running.site.go.set()
    assert b"connection: close" in await connection.answer()


async def test_an_answer_whose_head_has_left_keeps_its_promise(running: Running) -> None:
    connection = await running.connect()
    connection.ask("/long")
    assert b"connection: close" not in await connection.head()
    await running.stop()
    running.site.go.set()
    assert await connection.reader.readexactly(2) == b"ok"
    connection.ask("/")
    assert b"connection: close" in await connection.answer()


async def test_whom_the_kernel_let_in_already_is_answered(running: Running) -> None:
    listener = running.site.listener
    waiting = socket.create_connection(listener.getsockname())
    waiting.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    # The event loop had no turn since: nobody has taken this connection yet.
    await running.stop()
    connection = await running.connect(waiting)
    assert (await connection.reader.read()).endswith(b"ok")


def test_nobody_is_let_in_before_somebody_serves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refuse_until_served(listener)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(listener.getsockname())
        listener.listen()
        socket.create_connection(listener.getsockname()).close()


async def test_a_server_that_could_not_start_tells_nobody_to_go() -> None:
    started: list[str] = []

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed"})

    config = Config(broken, log_config=None, lifespan="on")
    config.load()
    server = CarefulServer(config, on_started=lambda: started.append("started"))
    server.lifespan = config.lifespan_class(config)
    with pytest.raises(SystemExit):
        await server.startup([])
    assert started == []
