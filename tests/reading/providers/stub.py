"""An OpenAI-compatible server on 127.0.0.1 that follows a script: one behaviour a request, the last again."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]
USAGE = {"prompt_tokens": 120, "completion_tokens": 12, "total_tokens": 132}
JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]  # Any: JSON
    at: float

    @property
    def system(self) -> str:
        content: str = self.body["messages"][0]["content"]
        return content

    @property
    def user(self) -> str:
        content: str = self.body["messages"][1]["content"]
        return content


@dataclass
class Stub:
    script: Sequence[Behaviour]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        await self.script[min(len(self.asked), len(self.script)) - 1](asked, writer)


def raw(body: bytes, *, status: str = "200 OK", content_type: str = JSON, extra: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return plain(head.encode() + body)


def plain(answer: bytes) -> Behaviour:
    async def behave(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


def whole(text: object, *, finish: str | None = "stop", **message: object) -> Behaviour:
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    return raw(json.dumps({"model": "stub-1", "choices": [choice], "usage": USAGE}).encode())


def status(line: str, **headers: str) -> Behaviour:
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return raw(b'{"error":{"message":"Incorrect API key provided: sk-stub"}}', status=line, extra=extra)


def event(chunk: object) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"


def delta(text: str, finish: str | None = None) -> bytes:
    return event({"model": "stub-1", "choices": [{"delta": {"content": text}, "finish_reason": finish}]})


def events(*parts: bytes, pause: float = 0.0) -> Behaviour:
    """Streamed, each part by itself; the connection ends with the last."""

    async def behave(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {EVENTS}\r\nConnection: close\r\n\r\n".encode())
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def streamed(text: str, *, pause: float = 0.0) -> Behaviour:
    """A word a chunk, comments between, then the count of tokens."""
    words = [delta(f"{word} ") + b": still here\r\n\r\n" for word in text.split(" ")]
    usage = event({"model": "stub-1", "choices": [], "usage": USAGE})
    return events(delta(""), *words, delta("", "stop"), usage, b"data: [DONE]\r\n\r\n", pause=pause)


async def silent(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def trickle(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Never silent for long, and never done."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {EVENTS}\r\n\r\n".encode())
    while True:
        writer.write(b": wait\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {EVENTS}\r\n\r\n".encode())
    while True:
        writer.write(delta("more and more " * 100))
        await writer.drain()


@asynccontextmanager
async def serve(*script: Behaviour) -> AsyncIterator[Stub]:
    stub = Stub(script)
    handlers = set[asyncio.Task[None]]()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        # Cancelled: the test is over. A stream server would report that as a fault.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await stub.answer(await _read(reader), writer)
        writer.close()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0].split(" ")[1], headers, json.loads(body or b"{}"), asyncio.get_running_loop().time())
