"""One WebSocket: who it is, what they follow, and what they are told until either side has enough."""

import asyncio
import json
import random
from collections import deque
from enum import IntEnum
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.core.db import Database, Tenant
from app.core.gcra import Bucket, LocalBuckets, Quota
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.events import data_of, events_of
from app.summaries.progress.schemas import CLIENT_MESSAGE, Introduction, Ping, WatchWish
from app.summaries.progress.store import unfinished_progress, visible_progress
from app.summaries.progress.watches import End, News, Watch

MAX_MESSAGE_LENGTH = 8192
MESSAGES = Quota(10, 10)
FIRST_LOOK = 100


class Code(IntEnum):
    """Close codes: RFC 6455 section 7.4.1, and of our own, after HTTP's."""

    UNSUPPORTED = 1003
    TOO_BIG = 1009
    RESTART = 1012
    TRY_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    TOO_LATE = 4408
    TOO_MANY = 4429


BY_END = {
    End.LEFT: None,
    End.REVOKED: Code.UNAUTHENTICATED,
    End.DRAINING: Code.RESTART,
    End.UNAVAILABLE: Code.TRY_LATER,
    End.TOO_SLOW: Code.TRY_LATER,
    End.TOO_OLD: Code.RESTART,
}
Json = dict[str, Any]  # Any: JSON
log = structlog.get_logger(__name__)


class HungUpError(Exception):
    """We close, with this code."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def receive_message(websocket: WebSocket) -> Introduction | WatchWish | Ping:
    """Raises HungUpError, WebSocketDisconnect."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if text is None:
        raise HungUpError(Code.UNSUPPORTED, "send text")
    if len(text) > MAX_MESSAGE_LENGTH:
        raise HungUpError(Code.TOO_BIG, f"a message may have {MAX_MESSAGE_LENGTH} characters")
    try:
        return CLIENT_MESSAGE.validate_json(text)
    except ValidationError as error:
        raise HungUpError(Code.BAD_MESSAGE, "this message is not understood") from error


class Conversation:
    """After the introduction. Two tasks: one hears, the other, which is the caller's, tells."""

    def __init__(self, websocket: WebSocket, watch: Watch, desk: ProgressDesk, database: Database) -> None:
        self._websocket = websocket
        self._watch = watch
        self._hub = desk.hub
        self._database = database
        self._pace = desk.pace
        self._replies: deque[Json] = deque()
        self._hung_up: HungUpError | None = None
        self._allowance = LocalBuckets(clock=asyncio.get_running_loop().time, capacity=2)

    async def run(self) -> None:
        """Raises HungUpError with what is to be said at the end; nothing where the client has left."""
        # Before anything is heard: what is said back to back is answered in its order.
        await self._look(WatchWish(type="watch"))
        hearing = asyncio.create_task(self._hear())
        try:
            await self._tell()
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self) -> None:
        try:
            while True:
                message = await receive_message(self._websocket)
                self._count()
                await self._answer(message)
        except HungUpError as error:
            self._hung_up = error
            self._watch.wake()
        except WebSocketDisconnect:
            self._watch.finish(End.LEFT)
        except (SQLAlchemyError, OSError):
            self._watch.finish(End.UNAVAILABLE)
        except Exception:
            # Nobody waits for this task: what it raised would leave a client that is never answered.
            log.exception("websocket_not_heard")
            self._watch.finish(End.UNAVAILABLE)

    def _count(self) -> None:
        (level,) = self._allowance.check([Bucket("messages", MESSAGES)])
        if not level.allowed:
            raise HungUpError(Code.TOO_MANY, "one message a second, ten at once")

    async def _answer(self, message: Introduction | WatchWish | Ping) -> None:
        match message:
            case Introduction():
                raise HungUpError(Code.BAD_MESSAGE, "who you are is known already")
            case Ping():
                self._reply({"type": "pong"})
            case WatchWish():
                self._hub.refocus(self._watch, message.ids)
                await self._look(message)

    async def _look(self, wish: WatchWish) -> None:
        """What is so by now of what is followed from here on."""
        who = self._watch.principal
        tenant = Tenant(who.organization_id, who.user_id)
        async with self._database.transaction(tenant) as session:
            if wish.ids is None:
                found = await unfinished_progress(
                    session, who.organization_id, viewer=who.user_id, at_most=FIRST_LOOK
                )
            else:
                found = await visible_progress(session, who.organization_id, viewer=who.user_id, ids=wish.ids)
        self._reply(_confirmation(wish, {progress.summary_id for progress in found}))
        for progress in found:
            self._watch.offer(progress)

    def _reply(self, message: Json) -> None:
        self._replies.append(message)
        self._watch.wake()

    async def _tell(self) -> None:
        life = self._pace.life * random.uniform(0.9, 1)  # noqa: S311  # no secret: not all come back at once
        until = asyncio.get_running_loop().time() + life
        while self._hung_up is None and self._watch.end is None:
            if not await self._watch.wait(until - asyncio.get_running_loop().time()):
                self._watch.finish(End.TOO_OLD)
            while self._replies:
                await self._send(self._replies.popleft())
            for news in self._watch.take():
                await self._send(message_of(news))
        if self._hung_up is not None:
            raise self._hung_up
        code = BY_END[self._watch.end] if self._watch.end else None
        if code is not None:
            raise HungUpError(code, str(self._watch.end))

    async def _send(self, message: Json) -> None:
        try:
            async with asyncio.timeout(self._pace.send):
                await self._websocket.send_text(json.dumps(message))
        except TimeoutError as error:
            raise HungUpError(Code.TRY_LATER, "too slow") from error


def _confirmation(wish: WatchWish, known: set[UUID]) -> Json:
    """`ids` null: all. What is foreign is as unknown as what never was."""
    if wish.ids is None:
        return {"type": "watching", "ids": None, "unknown": []}
    wanted = dict.fromkeys(wish.ids)
    ids = [str(summary_id) for summary_id in wanted if summary_id in known]
    return {"type": "watching", "ids": ids, "unknown": [str(i) for i in wanted if i not in known]}


def message_of(news: News) -> Json:
    if news.progress is None:
        return {"type": "gone", "summary_id": str(news.summary_id)}
    return {"type": "progress", **data_of(news.progress, events_of(news.progress)[-1])}
