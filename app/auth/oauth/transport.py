"""The HTTP client towards login providers: impatient, no redirects, no cookies, no large answers."""

import asyncio
import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from typing_extensions import override

TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 256 * 1024


class BoundedTransport(httpx.AsyncBaseTransport):
    """Reads the whole answer, under one deadline: httpx's own timeouts let an answer drip for ever."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None, *, seconds: float) -> None:
        """None: our own, made when it is first wanted; many a service has no provider to ask."""
        self._inner = inner
        self._seconds = seconds

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._seconds):
                inner = self._inner or await self._opened()
                response = await inner.handle_async_request(request)
                try:
                    body = await _read(response, request)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout("the provider took too long", request=request) from error
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    async def _opened(self) -> httpx.AsyncBaseTransport:
        verify = await asyncio.to_thread(_tls)
        self._inner = self._inner or httpx.AsyncHTTPTransport(verify=verify, trust_env=False)
        return self._inner

    @override
    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()


async def _read(response: httpx.Response, request: httpx.Request) -> bytes:
    # Identity was asked for. A compressed answer would be inflated without bound: refused unread.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx.DecodingError("a compressed answer", request=request)
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  # by httpx's protocol; narrows
    body = bytearray()
    async for chunk in response.stream:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise httpx.DecodingError("an answer without end", request=request)
    return bytes(body)


@cache
def _tls() -> ssl.SSLContext:
    """Once: loading the certificates takes 20 ms, and a megabyte."""
    return httpx.create_ssl_context(trust_env=False)


def make_client(
    inner: httpx.AsyncBaseTransport | None = None, *, seconds: float = TIMEOUT_SECONDS
) -> httpx.AsyncClient:
    """One for the process. `inner` is for tests."""
    return httpx.AsyncClient(
        transport=BoundedTransport(inner, seconds=seconds),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Precis"},
        # One person's cookies at the provider must not go along with the next one's code.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=seconds,
        follow_redirects=False,
        trust_env=False,
    )
