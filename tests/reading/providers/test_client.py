"""The client against a server that misbehaves in every way we know: one reason each, always in time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from app.reading.providers.client import ChatClient, parse_retry_after
from app.reading.providers.completion import Completion
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.options import ProviderLimits, ProviderOptions
from tests.reading.providers.stub import (
    EVENTS,
    USAGE,
    Behaviour,
    Stub,
    delta,
    endless,
    event,
    events,
    plain,
    raw,
    serve,
    silent,
    status,
    streamed,
    trickle,
    whole,
)

pytestmark = pytest.mark.integration

KEY = "sk-a-key-that-nobody-may-read"
MESSAGES = [{"role": "user", "content": "Summarise."}]
QUICK = ProviderLimits(
    connect_seconds=0.5,
    read_seconds=0.3,
    total_seconds=0.6,
    first_pause_seconds=0.001,
    wire_bytes=100_000,
    answer_characters=5_000,
)
REDIRECT = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/elsewhere\r\nContent-Length: 0\r\n\r\n"


def options(base_url: str, limits: ProviderLimits = QUICK, **more: float) -> ProviderOptions:
    return ProviderOptions(base_url, "small-1", api_key=SecretStr(KEY), limits=limits, **more)  # type: ignore[arg-type]  # temperature only


@asynccontextmanager
async def asking(
    *script: Behaviour, limits: ProviderLimits = QUICK
) -> AsyncIterator[tuple[Stub, ChatClient]]:
    async with serve(*script) as stub:
        client = await asyncio.to_thread(ChatClient, options(stub.base_url, limits))
        try:
            yield stub, client
        finally:
            await client.aclose()


async def refusal(*script: Behaviour, tries: int) -> ProviderError:
    """What the client makes of it, after so many requests."""
    async with asking(*script) as (stub, client):
        with pytest.raises(ProviderError) as caught:
            await client.complete(MESSAGES)
        assert len(stub.asked) == tries
    assert KEY not in f"{caught.value!r} {caught.value.internal}"
    return caught.value


@pytest.mark.parametrize(
    ("line", "reason", "tries"),
    [
        ("400 Bad Request", FallbackReason.REFUSED, 1),
        ("401 Unauthorized", FallbackReason.REFUSED, 1),
        ("404 Not Found", FallbackReason.REFUSED, 1),
        ("422 Unprocessable Content", FallbackReason.REFUSED, 1),
        ("408 Request Timeout", FallbackReason.ERROR, 3),
        ("409 Conflict", FallbackReason.ERROR, 3),
        ("425 Too Early", FallbackReason.ERROR, 3),
        ("429 Too Many Requests", FallbackReason.RATE_LIMITED, 3),
        ("500 Internal Server Error", FallbackReason.ERROR, 3),
        ("503 Service Unavailable", FallbackReason.ERROR, 3),
    ],
)
async def test_a_status_is_tried_again_only_where_that_may_help(
    line: str, reason: FallbackReason, tries: int
) -> None:
    assert (await refusal(status(line), tries=tries)).reason is reason


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(raw(b"this is no JSON"), id="garbage"),
        pytest.param(raw(b"[]"), id="no object"),
        pytest.param(raw(b"[" * 100_000), id="nested too deep"),
        pytest.param(raw(b'{"choices": []}'), id="no choice"),
        pytest.param(raw(b'{"choices": [null], "usage": "many"}'), id="null for a choice"),
        pytest.param(raw(b'{"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}'), id="a 7"),
        pytest.param(raw(b'{"choices": [{"message": {"content": "cut"}}]}'), id="not finished"),
        pytest.param(raw(b"\xff\xfe", content_type=EVENTS), id="no event"),
        pytest.param(raw(b"{}", extra="Content-Encoding: gzip\r\n"), id="compressed"),
        pytest.param(whole("   "), id="blank"),
        pytest.param(whole("x" * 6_000), id="too many letters"),
        pytest.param(whole("cut off by the model's own limit", finish="length"), id="cut off"),
        pytest.param(events(delta("broken off")), id="broken off"),
        pytest.param(events(b"data: nonsense\r\n\r\n"), id="garbage for an event"),
        pytest.param(raw(b" " * 200_000), id="too many bytes"),
        pytest.param(endless, id="endless"),
    ],
)
async def test_what_is_no_whole_answer_is_refused_at_once(behaviour: Behaviour) -> None:
    assert (await refusal(behaviour, tries=1)).reason is FallbackReason.INVALID_ANSWER


@pytest.mark.parametrize("behaviour", [silent, trickle])
async def test_a_provider_that_never_ends_is_left_in_time(behaviour: Behaviour) -> None:
    assert (await refusal(behaviour, tries=1)).reason is FallbackReason.TIMEOUT


@pytest.mark.parametrize("answer", [b"", b"garbage that is no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nCont"])
async def test_a_connection_that_breaks_is_unreachable(answer: bytes) -> None:
    assert (await refusal(plain(answer), tries=1)).reason is FallbackReason.UNREACHABLE


async def test_a_provider_that_is_down_is_unreachable() -> None:
    async with serve() as stub:
        gone = stub.base_url
    client = await asyncio.to_thread(ChatClient, options(gone))
    with pytest.raises(ProviderError) as caught:
        await client.complete(MESSAGES)
    await client.aclose()
    assert caught.value.reason is FallbackReason.UNREACHABLE


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    assert (await refusal(plain(REDIRECT.encode()), tries=1)).reason is FallbackReason.REFUSED


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(whole(None, refusal="I cannot help with that."), id="whole"),
        pytest.param(whole("half", finish="content_filter"), id="filtered"),
        pytest.param(
            events(event({"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]})),
            id="streamed",
        ),
    ],
)
async def test_a_model_that_refuses_is_not_asked_twice_and_its_tokens_count(behaviour: Behaviour) -> None:
    assert (await refusal(behaviour, tries=1)).reason is FallbackReason.REFUSED


async def test_an_error_inside_a_stream_is_an_error() -> None:
    failed = await refusal(events(delta("a"), event({"error": {"message": KEY}})), tries=1)
    assert failed.reason is FallbackReason.ERROR


async def test_the_tokens_of_an_unusable_answer_are_told() -> None:
    assert (await refusal(whole("half", finish="length"), tries=1)).usage == USAGE


async def test_retry_after_is_waited_for() -> None:
    limits = ProviderLimits(total_seconds=5, first_pause_seconds=0.001)
    script = status("429 Too Many Requests", Retry_After="1"), whole("Rain fell.")
    async with asking(*script, limits=limits) as (stub, client):
        assert (await client.complete(MESSAGES)).text == "Rain fell."
    assert stub.asked[1].at - stub.asked[0].at >= 0.99


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    failed = await refusal(status("429 Too Many Requests", Retry_After="3600"), tries=1)
    assert failed.reason is FallbackReason.RATE_LIMITED


async def test_a_third_try_may_succeed() -> None:
    script = status("500 Oops"), status("503 Later"), whole("Rain fell.")
    async with asking(*script) as (stub, client):
        assert await client.complete(MESSAGES) == Completion("Rain fell.", "stub-1", USAGE)
    assert len(stub.asked) == 3


async def test_a_stream_is_joined_with_its_usage() -> None:
    async with asking(streamed("Rain fell on the town.")) as (_, client):
        assert await client.complete(MESSAGES) == Completion("Rain fell on the town. ", "stub-1", USAGE)


async def test_a_stream_cut_anywhere_reads_the_same() -> None:
    answer = delta("R\u00e9gen ") + delta("fiel.", "stop") + b"data: [DONE]\n\n"
    async with asking(events(*(answer[at : at + 7] for at in range(0, len(answer), 7)))) as (_, client):
        assert (await client.complete(MESSAGES)).text == "R\u00e9gen fiel."


async def test_the_key_goes_into_its_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with asking(whole("Rain.")) as (stub, client):
        await client.complete(MESSAGES)
    asked = stub.asked[0]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.path, asked.body["model"], asked.body["stream"]) == (
        "/v1/chat/completions",
        "small-1",
        True,
    )
    assert "temperature" not in asked.body
    assert KEY not in f"{asked.body} {caplog.text} {options(stub.base_url)}"


async def test_calls_beyond_the_concurrency_wait_within_the_deadline() -> None:
    async with serve(silent) as stub:
        client = await asyncio.to_thread(ChatClient, options(stub.base_url, concurrency=1))
        async with client._slots:  # noqa: SLF001  # as a call that hangs
            with pytest.raises(ProviderError) as caught:
                await client.complete(MESSAGES)
        await client.aclose()
    assert (caught.value.reason, stub.asked) == (FallbackReason.TIMEOUT, [])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("7", 7),
        ("-3", 0),
        ("soon", 0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert parse_retry_after(header, datetime(2026, 1, 1, tzinfo=UTC)) == seconds
