"""One summary's progress as server-sent events (WHATWG HTML, section 9.2).

Two tasks and a few hundred bytes of our own a stream: FastAPI's EventSourceResponse has four tasks and two
queues for each.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.summaries.announcing import Progress
from app.summaries.progress.events import Position, data_of, events_after
from app.summaries.progress.watches import End, News, Watch

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RETRY_MILLISECONDS = 3000
HEARTBEAT = b": heartbeat\n\n"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamPace:
    """In seconds. `send`: for a client to read what is sent; `life`: then it is to come back.

    `introduction`: for a WebSocket to say who it is.
    """

    life: float
    introduction: float = 5.0
    heartbeat: float = 15.0
    send: float = 20.0


class EventStream(Response):
    """`start` was read after `watch` began; `after` is the position that the client has already."""

    media_type = MEDIA_TYPE

    def __init__(self, watch: Watch, start: Progress, *, after: Position | None, pace: StreamPace) -> None:
        super().__init__(headers=HEADERS)
        # Its length is not known before its end.
        del self.headers["content-length"]
        self._watch = watch
        self._start = start
        self._position = after
        self._pace = pace
        self._farewell: bytes | None = None

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        leaving = asyncio.create_task(self._leave(receive))
        try:
            await self._tell(send)
        except TimeoutError:
            # Not completed, so the server closes the connection.
            log.info("stream_too_slow", summary_id=str(self._start.summary_id))
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)

    async def _leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._watch.finish(End.LEFT)

    async def _tell(self, send: Send) -> None:
        life = self._pace.life * random.uniform(0.9, 1)  # noqa: S311  # no secret: not all come back at once
        until = asyncio.get_running_loop().time() + life
        await self._send(send, b"retry: %d\n\n" % RETRY_MILLISECONDS + self._events(self._start))
        while self._farewell is None:
            await self._send(send, await self._next(until))
        await self._send(send, self._farewell)
        await send({"type": "http.response.body", "body": b""})

    async def _next(self, until: float) -> bytes:
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            self._watch.finish(End.TOO_OLD)
        elif not await self._watch.wait(min(left, self._pace.heartbeat)):
            return HEARTBEAT
        if self._watch.end is not None:
            self._farewell = farewell(self._watch.end)
            return b""
        return b"".join(self._told(news) for news in self._watch.take())

    def _told(self, news: News) -> bytes:
        if news.progress is None:
            self._farewell = _message("end", {"reason": "not_found"})
            return b""
        return self._events(news.progress)

    def _events(self, progress: Progress) -> bytes:
        events = events_after(progress, self._position)
        if events:
            self._position = events[-1].position
        if progress.is_final:
            self._farewell = b""
        return b"".join(
            _message(event.status, data_of(progress, event), position=event.position) for event in events
        )

    async def _send(self, send: Send, chunk: bytes) -> None:
        if chunk:
            async with asyncio.timeout(self._pace.send):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


def farewell(end: End) -> bytes:
    """`end`: do not come back; `reconnect`: do, and not all at the same moment."""
    if end is End.LEFT:
        return b""
    if end is End.REVOKED:
        return _message("end", {"reason": "unauthenticated"})
    retry = random.randint(500, RETRY_MILLISECONDS)  # noqa: S311  # no secret
    return b"retry: %d\n" % retry + _message("reconnect", {"reason": str(end)})


def _message(event: str, data: Mapping[str, object], *, position: Position | None = None) -> bytes:
    """JSON has no line break of its own, so one `data:` line holds it."""
    identity = f"id: {position}\n" if position else ""
    return f"{identity}event: {event}\ndata: {json.dumps(data)}\n\n".encode()
