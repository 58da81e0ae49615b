"""Somebody's server on 127.0.0.1 that is sent webhooks: each path misbehaves in its own way."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.reading.urls import HostPort

Behaviour = Callable[[asyncio.StreamWriter], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` by path; a path that is not there answers 200. `most_at_once`: of its open requests."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: dict[str, Behaviour] = field(default_factory=dict)
    open_now: int = 0
    most_at_once: int = 0

    @property
    def allowed(self) -> frozenset[HostPort]:
        return frozenset({("127.0.0.1", self.port)})

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read(reader)
        self.received.append(request)
        self.open_now += 1
        self.most_at_once = max(self.most_at_once, self.open_now)
        behave = self.answers.get(request.path, BEHAVIOURS.get(request.path, answer("200 OK")))
        try:
            await _until_left(reader, behave(writer))
            await writer.drain()
        finally:
            self.open_now -= 1


def answer(status: str, *, body: bytes = b"thanks", extra: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode()

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    return behave


async def hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def trickle_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Flood: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def gigabytes(writer: asyncio.StreamWriter) -> None:
    """Until nobody reads any more."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000000\r\n\r\n")
    while True:
        writer.write(b"\x00\xff" * 50_000)
        await writer.drain()


async def tiny_chunks(writer: asyncio.StreamWriter) -> None:
    """More framing than body."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n" * 10_000)
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(_writer: asyncio.StreamWriter) -> None:
    """The connection is closed without a word."""


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 this is no HTTP\r\n\r\n")


BEHAVIOURS: dict[str, Behaviour] = {
    "/204": answer("204 No Content", body=b""),
    "/404": answer("404 Not Found"),
    "/410": answer("410 Gone"),
    "/500": answer("500 Internal Server Error", body=b"a\x00b \xff"),
    "/redirect": answer("302 Found", extra="Location: /elsewhere\r\n"),
    "/hang": hang,
    "/trickle": trickle,
    "/trickled-headers": trickle_headers,
    "/header-flood": flood_headers,
    "/gigabytes": gigabytes,
    "/tiny-chunks": tiny_chunks,
    "/reset": reset,
    "/garbage": garbage,
    "/hang-up": hang_up,
}


async def _until_left(reader: asyncio.StreamReader, behaving: Coroutine[None, None, None]) -> None:
    """A request is open for as long as its client is there."""
    tasks = [asyncio.ensure_future(behaving), asyncio.ensure_future(reader.read(1))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled: the test is over. A stream server reports that as a fault, so it ends here.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await receiver.handle(reader, writer)
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    before = asyncio.all_tasks()
    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        handlers = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        mine = [task for task in handlers if "on_connect" in repr(task.get_coro())]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
