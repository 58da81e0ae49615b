"""What one turn writes leaves in one piece; and nothing is lost, held too long or piled up."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override
from uvicorn import Config
from uvicorn.server import ServerState

from app.core.serving.corking import MAX_HELD_BYTES, CorkedProtocol, CorkedTransport

pytestmark = pytest.mark.integration
ASKED = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


class Written(asyncio.Transport):
    """Remembers each write; `lose` is a peer that went away."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.writes.append(b"".join(list_of_data))

    @override
    def close(self) -> None:
        self.is_closed = True

    lose = close

    @override
    def is_closing(self) -> bool:
        return self.is_closed


async def test_one_turn_is_one_write() -> None:
    bare = Written()
    corked = CorkedTransport(bare)
    corked.write(b"head")
    corked.write(b"")
    corked.write(bytearray(b"body"))
    assert bare.writes == []
    await asyncio.sleep(0)
    assert bare.writes == [b"headbody"]
    corked.write(b"next")
    await asyncio.sleep(0)
    assert bare.writes == [b"headbody", b"next"]


async def test_what_is_held_is_what_it_was_when_written() -> None:
    bare, data = Written(), bytearray(b"now")
    CorkedTransport(bare).write(data)
    data[:] = b"old"
    await asyncio.sleep(0)
    assert bare.writes == [b"now"]


async def test_more_than_may_be_held_leaves_at_once() -> None:
    """Otherwise the transport would never say that its buffer is full."""
    bare = Written()
    corked = CorkedTransport(bare)
    corked.write(b"a" * MAX_HELD_BYTES)
    assert bare.writes == []
    corked.write(b"b")
    assert [len(written) for written in bare.writes] == [MAX_HELD_BYTES + 1]
    corked.write(b"c")
    await asyncio.sleep(0)
    assert bare.writes[1:] == [b"c"]


async def test_once_uncorked_nothing_is_held() -> None:
    bare = Written()
    corked = CorkedTransport(bare)
    corked.write(b"before")
    corked.uncork()
    corked.write(b"after")
    assert bare.writes == [b"before", b"after"]


async def test_closing_writes_first() -> None:
    bare = Written()
    corked = CorkedTransport(bare)
    corked.write(b"last")
    corked.close()
    assert bare.writes == [b"last"]
    assert corked.is_closing()


async def test_who_went_away_is_not_written_to() -> None:
    bare = Written()
    corked = CorkedTransport(bare)
    corked.write(b"too late")
    bare.lose()
    await asyncio.sleep(0)
    corked.close()
    assert bare.writes == []


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[socket.socket]:
    config = Config(app, http=CorkedProtocol, log_config=None, lifespan="off")
    config.load()
    state = ServerState()

    def connected() -> asyncio.Protocol:
        return CorkedProtocol(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    async with server:
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.setblocking(False)
            yield client
            for connection in [*state.connections]:
                connection.shutdown()


async def answer_at_once(_scope: Scope, _receive: Receive, send: Send) -> None:
    length = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"ok"})


async def received(client: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 2**20), 5)


async def test_an_answer_is_one_packet() -> None:
    async with served(answer_at_once) as client:
        for number in range(1, 11):
            client.send(ASKED)
            assert (await received(client)).endswith(b"\r\n\r\nok")
            assert packets(client) == number


def packets(client: socket.socket) -> int:
    """With data, that have come: `tcpi_data_segs_in` of Linux' struct tcp_info."""
    told: int = struct.unpack_from("=I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)[0]
    return told


async def test_what_was_asked_before_an_upgrade_is_answered_before_it() -> None:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer_at_once(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close"})

    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with served(both) as client:
        client.send(ASKED + ASKED.removesuffix(b"\r\n") + upgrade + key)
        told = b""
        while part := await received(client):
            told += part
    assert told.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\nokHTTP/1.1 403" in told


async def test_a_head_does_not_wait_for_its_body() -> None:
    go = asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await go.wait()
        await send({"type": "http.response.body", "body": b"ok"})

    async with served(slow) as client:
        client.send(ASKED)
        assert (await received(client)).endswith(b"\r\n\r\n")
        go.set()
        assert b"ok" in await received(client)


async def test_who_says_that_they_ask_no_more_is_answered() -> None:
    """Their end of the connection is read in the turn of the answer, and closes it."""
    async with served(answer_at_once) as client:
        client.send(ASKED)
        client.shutdown(socket.SHUT_WR)
        assert (await received(client)).endswith(b"ok")


async def test_who_reads_slowly_makes_the_writer_wait() -> None:
    sent = 0

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            sent += 10_000

    async with served(endless) as client:
        client.send(ASKED)
        await received(client)
        await asyncio.sleep(0.2)
        # The two kernels' buffers take some megabytes, and nothing is piled up here.
        assert 0 < sent < 50_000_000


async def test_a_body_that_nobody_reads_yet_is_not_taken_in() -> None:
    body, begun, go = b"x" * 50_000_000, asyncio.Event(), asyncio.Event()

    async def late(_scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await go.wait()
        read, more = 0, True
        while more:
            message = await receive()
            read, more = read + len(message["body"]), message["more_body"]
        length = [(b"content-length", str(len(str(read))).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": str(read).encode()})

    async with served(late) as client:
        head = f"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(client, head + body))
        await begun.wait()
        await asyncio.sleep(0.2)
        # What the two kernels' buffers do not take waits with its sender.
        assert not sending.done()
        go.set()
        await asyncio.wait_for(sending, 20)
        assert (await received(client)).endswith(str(len(body)).encode())
