"""An answer has a deadline and a size, and nothing of one login goes along with the next."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest
from typing_extensions import override

from app.auth.oauth.errors import OAuthProviderError, OAuthUnavailableError
from app.auth.oauth.exchange import get_json
from app.auth.oauth.transport import MAX_BODY_BYTES, make_client
from app.local.ports import free_port

pytestmark = pytest.mark.unit

URL = "https://id.example/page"


class Chunks(httpx.AsyncByteStream):
    """`pause` seconds before each; `closed` once it was let go."""

    def __init__(self, size: int, *, count: int, pause: float = 0) -> None:
        self.size, self.count, self.pause = size, count, pause
        self.sent = 0
        self.closed = False

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.count):
            await asyncio.sleep(self.pause)
            self.sent += 1
            yield b" " * self.size

    @override
    async def aclose(self) -> None:
        self.closed = True


class Answering(httpx.AsyncBaseTransport):
    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.requests: list[httpx.Request] = []
        self.closed = False

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.response

    @override
    async def aclose(self) -> None:
        self.closed = True


def answering(stream: Chunks, **headers: str) -> Answering:
    return Answering(httpx.Response(200, headers=headers, stream=stream))


async def test_an_endless_answer_is_cut_and_let_go() -> None:
    stream = Chunks(MAX_BODY_BYTES // 4, count=1_000_000)
    with pytest.raises(OAuthProviderError):
        await get_json(make_client(answering(stream)), URL)
    assert (stream.sent, stream.closed) == (5, True)


async def test_a_dripping_answer_ends_at_the_deadline() -> None:
    stream = Chunks(1, count=1_000_000, pause=0.01)
    with pytest.raises(OAuthUnavailableError):
        await get_json(make_client(answering(stream), seconds=0.05), URL)
    assert stream.closed


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "identity, gzip"])
async def test_a_compressed_answer_is_not_even_read(encoding: str) -> None:
    stream = Chunks(1, count=10)
    with pytest.raises(OAuthProviderError):
        await get_json(make_client(answering(stream, **{"Content-Encoding": encoding})), URL)
    assert (stream.sent, stream.closed) == (0, True)


async def test_a_redirect_is_not_followed() -> None:
    inner = Answering(
        httpx.Response(302, headers={"Location": "https://evil.example"}, stream=Chunks(1, count=0))
    )
    with pytest.raises(OAuthProviderError):
        await get_json(make_client(inner), URL, token="secret")
    assert len(inner.requests) == 1


@pytest.mark.parametrize("url", ["https://", "ftp://id.example", "https://id.example:port/"])
async def test_an_address_that_is_none_is_a_fault_of_the_provider(url: str) -> None:
    with pytest.raises((OAuthProviderError, OAuthUnavailableError)):
        await get_json(make_client(), url)


async def test_the_client_closes_what_it_was_given() -> None:
    inner = answering(Chunks(1, count=0))
    await make_client(inner).aclose()
    assert inner.closed


def opened() -> list[httpx.AsyncHTTPTransport]:
    """Whatever of httpx's own this process holds; what is looked at once is there for the next look."""
    return [thing for thing in gc.get_objects() if type(thing) is httpx.AsyncHTTPTransport]


async def test_a_client_that_was_never_asked_opened_nothing() -> None:
    before = opened()
    client = make_client()
    await client.aclose()
    assert len(opened()) == len(before)


async def test_ones_own_connections_are_opened_at_the_first_question() -> None:
    before = opened()
    client = make_client(seconds=2)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{free_port()}")
        assert len(opened()) == len(before) + 1
    await client.aclose()
