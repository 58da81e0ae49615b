"""A POST of one JSON object, answered before routing.

Routing, dependencies and what FastAPI does about a body cost more than a route whose work is one statement.
So what is plainly such a request is answered here as the route would; any other is the route's, body and all.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.raw_headers import first_header
from app.core.schemas import RequestModel

CONTENT_TYPE, CONTENT_LENGTH, JSON = b"content-type", b"content-length", b"application/json"

Model = TypeVar("Model", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class EarlyPost(Generic[Model]):
    """`path` is the whole of the route's. Where `answer` gives None it has done nothing: the route does."""

    path: str
    model: type[Model]
    answer: Callable[[Request, Model], Awaitable[Response | None]]

    async def answer_to(self, request: Request, first: Message) -> Response | None:
        body = self._read(first)
        if body is None:
            return None
        # What the log and the figures name a request by, also where it is refused here.
        request.scope["route"] = self
        return await self.answer(request, body)

    def _read(self, first: Message) -> Model | None:
        if first["type"] != "http.request" or first.get("more_body", False):
            return None
        try:
            return self.model.model_validate(json.loads(first["body"]))
        except (ValueError, RecursionError):
            # What is wrong with it, the route says.
            return None


class EarlyPostsMiddleware:
    def __init__(self, app: ASGIApp, *, routes: Sequence[EarlyPost[Any]]) -> None:  # Any: whichever model
        self.app = app
        self.routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._meant(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        first = _whole(scope, await receive())
        answer = await route.answer_to(Request(scope, _once_more(first, receive)), first)
        if answer is None:
            await self.app(scope, _once_more(first, receive), send)
        else:
            await answer(scope, receive, send)

    def _meant(self, scope: Scope) -> EarlyPost[Any] | None:  # Any: as above
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return None
        is_json = first_header(scope["headers"], CONTENT_TYPE) == JSON
        return self.routes.get(scope["path"]) if is_json else None


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
