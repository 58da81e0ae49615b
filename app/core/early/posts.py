"""POSTs of one JSON object whose work is one statement: what FastAPI does about a body costs more."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.raw_headers import first_header
from app.core.schemas import RequestModel

CONTENT_TYPE, CONTENT_LENGTH, JSON = b"content-type", b"content-length", b"application/json"

Asked = TypeVar("Asked")
Model = TypeVar("Model", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class EarlyPost(Generic[Asked, Model]):
    """`path` is the whole of the route's.

    `read`: what the headers say, None where the route is to answer whatever the body: nobody unknown has one
    parsed here. Where `answer` gives None it has done nothing, and the route does.
    """

    path: str
    model: type[Model]
    read: Callable[[Request], Asked | None]
    answer: Callable[[Request, Asked, Model], Awaitable[Response | None]]

    def is_meant(self, scope: Scope) -> bool:
        return bool(scope["method"] == "POST" and scope["path"] == self.path)

    async def serve(self, scope: Scope, receive: Receive, send: Send, *, route: ASGIApp) -> None:
        is_plain = not scope["query_string"] and first_header(scope["headers"], CONTENT_TYPE) == JSON
        asked = self.read(Request(scope)) if is_plain else None
        if asked is None:
            await route(scope, receive, send)
            return
        first = _whole(scope, await receive())
        answer = await self._answer(Request(scope, _once_more(first, receive)), asked, first)
        if answer is None:
            await route(scope, _once_more(first, receive), send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, request: Request, asked: Asked, first: Message) -> Response | None:
        body = self._parse(first)
        if body is None:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        request.scope["route"] = self
        return await self.answer(request, asked, body)

    def _parse(self, first: Message) -> Model | None:
        if first["type"] != "http.request" or first.get("more_body", False):
            return None
        try:
            return self.model.model_validate(json.loads(first["body"]))
        except (ValueError, RecursionError):
            # What is wrong with it, the route says.
            return None


def _whole(scope: Scope, first: Message) -> Message:
    """Where all is there that was announced, the message that only ends it is not waited for."""
    announced = first_header(scope["headers"], CONTENT_LENGTH)
    is_whole = announced == str(len(first.get("body", b""))).encode()
    return {**first, "more_body": False} if is_whole else first


def _once_more(first: Message, receive: Receive) -> Receive:
    unread = [first]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    return again
