import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.gcra import MICROSECONDS, Level, Quota
from app.core.limit_verdict import STATE_KEY, Outcome, Verdict
from app.core.rate_limit_headers import NAMES, RateLimitHeadersMiddleware, rate_limit_values

pytestmark = pytest.mark.unit

ORGANIZATION = Outcome("organization", Quota(100, 60), Level(True, 97, 0, int(1.2 * MICROSECONDS)))
CREATE = Outcome("summaries_create", Quota(30, 60), Level(True, 29, 0, 2 * MICROSECONDS))
LOGIN = Outcome("login", Quota(5, 60), Level(False, 0, int(11.5 * MICROSECONDS), 60 * MICROSECONDS))


def test_refusing_limit_is_the_tightest() -> None:
    verdict = Verdict((ORGANIZATION, LOGIN))
    assert not verdict.allowed
    assert verdict.tightest is LOGIN
    assert LOGIN.retry_seconds == 12


def test_limit_with_the_fewest_hits_left_is_the_tightest() -> None:
    assert Verdict((ORGANIZATION, CREATE)).tightest is CREATE


def test_later_check_of_the_same_limit_replaces_the_earlier() -> None:
    later = Outcome("organization", Quota(100, 60), Level(True, 96, 0, 0))
    assert Verdict((later,)).after(Verdict((ORGANIZATION, CREATE))) == Verdict((later, CREATE))
    assert Verdict((later,)).after(None) == Verdict((later,))


def test_headers_name_every_limit_and_count_the_tightest() -> None:
    told = rate_limit_values(Verdict((ORGANIZATION, CREATE)), now=1000.9)
    assert dict(zip(NAMES, told, strict=True)) == {
        "RateLimit-Policy": '"organization";q=100;w=60, "summaries_create";q=30;w=60',
        "RateLimit": '"organization";r=97;t=2, "summaries_create";r=29;t=2',
        "X-RateLimit-Limit": "30",
        "X-RateLimit-Remaining": "29",
        "X-RateLimit-Reset": "1002",
    }


async def answer(scope: Scope, *, verdict: Verdict | None) -> list[Message]:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if verdict:
            scope["state"][STATE_KEY] = verdict
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await RateLimitHeadersMiddleware(app)(scope, receive, send)
    return sent


async def test_answer_that_was_not_counted_has_no_headers() -> None:
    [start, _] = await answer({"type": "http"}, verdict=None)
    assert start["headers"] == []


async def test_answer_that_was_counted_has_them() -> None:
    [start, _] = await answer({"type": "http", "state": {}}, verdict=Verdict((CREATE,)))
    assert (b"x-ratelimit-remaining", b"29") in start["headers"]


async def test_other_protocols_pass_untouched() -> None:
    [start, _] = await answer({"type": "websocket", "state": {}}, verdict=Verdict((CREATE,)))
    assert start["headers"] == []
