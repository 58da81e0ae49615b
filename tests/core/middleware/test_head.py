import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.middleware.head import WAS_HEAD, HeadMiddleware

pytestmark = pytest.mark.unit

START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}
EMPTY: Message = {"type": "http.response.body", "body": b"", "more_body": False}


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def answers(app: Callable[[Scope, Receive, Send], object], method: str = "HEAD") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await HeadMiddleware(app)({"type": "http", "method": method}, receive, send)  # type: ignore[arg-type]  # any callable
    return sent


async def short(scope: Scope, _receive: Receive, send: Send) -> None:
    assert scope["method"] == "GET"
    await send(START)
    await send(piece(b"hello", more=False))


async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    while True:
        await send(piece(b"tick", more=True))
        await asyncio.sleep(0)


async def test_head_gets_the_headers_of_get_and_no_body() -> None:
    assert await answers(short) == [START, EMPTY]


async def test_get_is_left_alone() -> None:
    assert await answers(short, "GET") == [START, piece(b"hello", more=False)]


async def test_an_answer_without_an_end_is_ended_after_its_first_piece() -> None:
    assert await answers(endless) == [START, EMPTY]
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_what_counts_looks_can_tell_that_it_was_head() -> None:
    seen: list[Scope] = []

    async def looking(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await short(scope, receive, send)

    await answers(looking)
    assert seen[0][WAS_HEAD] is True


async def test_a_cancellation_from_outside_is_passed_on() -> None:
    begun = asyncio.Event()

    async def waiting(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(answers(waiting))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_the_cut_is_passed_on_too() -> None:
    async def cancelled_twice(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await endless(scope, receive, send)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(answers(cancelled_twice))


async def test_an_answer_that_ends_right_after_the_cut_is_done() -> None:
    async def two_pieces(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send(piece(b"one", more=True))
        await send(piece(b"two", more=False))

    assert await answers(two_pieces) == [START, EMPTY]


async def test_a_websocket_is_no_head_request() -> None:
    seen: list[str] = []

    async def socket(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    await HeadMiddleware(socket)({"type": "websocket"}, _never, _ignore)
    assert seen == ["websocket"]


async def _never() -> Message:
    raise AssertionError


async def _ignore(_message: Message) -> None:
    raise AssertionError


async def test_the_route_that_answered_is_known_outside() -> None:
    scope: Scope = {"type": "http", "method": "HEAD"}

    async def routed(inner: Scope, receive: Receive, send: Send) -> None:
        inner["route"] = "the route"
        await short(inner, receive, send)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None:
        pass

    await HeadMiddleware(routed)(scope, receive, send)
    assert scope == {"type": "http", "method": "HEAD", "route": "the route"}
