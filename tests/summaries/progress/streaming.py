"""A client of event streams and WebSockets that speaks ASGI: the tests' HTTP client waits for the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from tests.catalogue import ask
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    id: str | None
    data: dict[str, Any]  # Any: JSON


def parse(block: str) -> Event | None:
    """None for a comment, and for a retry alone."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
    if "data" not in fields:
        return None
    return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))


@dataclass
class Peer:
    """The other end of one ASGI connection. `closed_window`: reads nothing."""

    sent: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)  # Any: ASGI's own
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)  # Any: as above
    window: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:  # Any: as above
        await self.window.wait()
        self.sent.put_nowait(dict(message))

    async def receive(self) -> dict[str, Any]:  # Any: as above
        return await self.inbox.get()

    async def next(self) -> dict[str, Any]:  # Any: as above
        async with asyncio.timeout(SECONDS):
            return await self.sent.get()


class EventClient:
    def __init__(self, peer: Peer, task: asyncio.Task[None]) -> None:
        self.peer = peer
        self.task = task
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = ""
        self.is_over = False

    async def begin(self) -> "EventClient":
        start = await self.peer.next()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return self

    async def chunk(self) -> str:
        message = await self.peer.next()
        self.is_over = not message.get("more_body", False)
        text: str = message.get("body", b"").decode()
        self.body += text
        return text

    async def rest(self) -> list[Event]:
        """All until the server ends it."""
        text = ""
        while not self.is_over:
            text += await self.chunk()
        return [event for block in text.split("\n\n") if (event := parse(block))]

    async def events(self, *names: str) -> list[Event]:
        """Until each of these has come, in this order."""
        found: list[Event] = []
        wanted = list(names)
        while wanted:
            for block in (await self.chunk()).split("\n\n"):
                event = parse(block)
                if event:
                    found.append(event)
                    if wanted and event.name == wanted[0]:
                        wanted.pop(0)
        return found

    async def leave(self) -> None:
        self.peer.inbox.put_nowait({"type": "http.disconnect"})
        async with asyncio.timeout(SECONDS):
            await self.task


def scope_of(app: FastAPI, kind: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    # Any: ASGI's own
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000")]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "extensions": {"websocket.http.response": {}},
        "app": app,
    }


@asynccontextmanager
async def events_of(
    app: FastAPI, summary_id: str, headers: Mapping[str, str], *, last_id: str | None = None
) -> AsyncIterator[EventClient]:
    peer = Peer()
    peer.window.set()
    more = {} if last_id is None else {"Last-Event-ID": last_id}
    scope = scope_of(app, "http", f"{PATH}/{summary_id}/events", {**headers, **more})
    peer.inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    task = asyncio.create_task(app(scope, peer.receive, peer.send))
    try:
        yield await EventClient(peer, task).begin()
    finally:
        peer.window.set()
        peer.inbox.put_nowait({"type": "http.disconnect"})
        async with asyncio.timeout(SECONDS):
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def enter_unknown_status(urls: DatabaseUrls, status: str = "dreaming") -> None:
    """Of all summaries, as newer code may while the fleet is renewed."""
    await ask(
        urls.superuser, "ALTER TABLE summaries DROP CONSTRAINT IF EXISTS ck_summaries_ck_summaries_status"
    )
    await ask(urls.superuser, f"UPDATE summaries SET status = '{status}'")  # noqa: S608  # our own words


class SocketClient:
    def __init__(self, peer: Peer, task: asyncio.Task[None]) -> None:
        self.peer = peer
        self.task = task

    async def say(self, **message: object) -> None:
        await self.say_text(json.dumps(message))

    async def say_text(self, text: str) -> None:
        self.peer.inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def hear(self, kind: str | None = None) -> dict[str, Any]:  # Any: JSON
        """The next message; of this type, passing over others."""
        while True:
            message = await self.peer.next()
            assert message["type"] == "websocket.send", message
            heard: dict[str, Any] = json.loads(message["text"])
            if kind is None or heard["type"] == kind:
                return heard

    async def progress(self, status: str) -> dict[str, Any]:  # Any: JSON
        while True:
            heard = await self.hear("progress")
            if heard["status"] == status:
                return heard

    async def code(self) -> int:
        """The close code, whatever is said before."""
        while True:
            message = await self.peer.next()
            if message["type"] == "websocket.close":
                code: int = message["code"]
                return code

    async def refusal(self) -> tuple[int, str]:
        """HTTP's status and the problem's code, where it was not accepted."""
        start, body = await self.peer.next(), await self.peer.next()
        return start["status"], json.loads(body["body"])["code"]

    async def accepted(self) -> str | None:
        message = await self.peer.next()
        assert message["type"] == "websocket.accept", message
        protocol: str | None = message.get("subprotocol")
        return protocol

    async def watching(self, headers: Mapping[str, str]) -> "SocketClient":
        """Introduced by the token or key of these headers."""
        await self.accepted()
        token = headers.get("X-API-Key") or headers["Authorization"].removeprefix("Bearer ")
        await self.say(type="auth", token=token)
        await self.hear("watching")
        return self


@asynccontextmanager
async def socket_of(
    app: FastAPI, *, protocols: tuple[str, ...] = (), query: str = "", **headers: str
) -> AsyncIterator[SocketClient]:
    peer = Peer()
    peer.window.set()
    scope = scope_of(app, "websocket", f"/ws/summaries{query}", headers)
    scope["subprotocols"] = list(protocols)
    peer.inbox.put_nowait({"type": "websocket.connect"})
    task = asyncio.create_task(app(scope, peer.receive, peer.send))
    try:
        yield SocketClient(peer, task)
    finally:
        peer.window.set()
        peer.inbox.put_nowait({"type": "websocket.disconnect", "code": 1005})
        async with asyncio.timeout(SECONDS):
            await task
