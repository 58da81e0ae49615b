"""Fetch one page from a stranger's server: safely, within limits, every failure under its own reason."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpcore2

from app.reading.addresses import Address
from app.reading.content_types import parse_content_type, refuse_hopeless, settle_type
from app.reading.errors import ReadingError, Reason
from app.reading.inflate import BodyCollector
from app.reading.resolver import Resolver
from app.reading.transport import AddressGuard, FetchLimits, GuardedBackend
from app.reading.urls import HostPort, SubmittedUrl, parse_submitted_url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
TRY_AGAIN = frozenset({408, 425, 429})
ACCEPT = b"text/html,application/xhtml+xml,application/pdf;q=0.9,text/plain;q=0.9,*/*;q=0.1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """`content_type` is settled by the bytes; `charset` is the header's or ""; `body` is decompressed."""

    url: str
    final_url: str
    status: int
    content_type: str
    charset: str
    body: bytes
    redirects: int


@dataclass(frozen=True, slots=True)
class FetcherOptions:
    """`own` holds the addresses of this machine and its services (see `addresses.own_addresses`)."""

    user_agent: str
    limits: FetchLimits = field(default_factory=FetchLimits)
    allow_hosts: frozenset[HostPort] = frozenset()
    own: frozenset[Address] = frozenset()


class Fetcher:
    """One connection per hop, no cookies, no credentials, no proxy from the environment."""

    def __init__(
        self, resolver: Resolver, options: FetcherOptions, *, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._options = options
        self._limits = options.limits
        guard = AddressGuard(resolver, options.limits, options.allow_hosts, options.own)
        self._backend = GuardedBackend(guard, options.limits)
        self._ssl_context = ssl_context or httpcore2.default_ssl_context()

    async def fetch(self, url: str) -> Fetched:
        """Raise `ReadingError`, or `InvalidUrlError` when `url` itself could never be fetched."""
        start = parse_submitted_url(url, allow_hosts=self._options.allow_hosts)
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._follow(start)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise ReadingError(Reason.TIMEOUT, f"{start.host}: {error!r}") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise ReadingError(Reason.CONNECT, f"{start.host}: {error!r}") from error

    async def _follow(self, start: SubmittedUrl) -> Fetched:
        current = start
        for hop in range(self._limits.redirects + 1):
            async with self._exchange(current) as response:
                if response.status not in REDIRECTS or not _header(response, b"location"):
                    return await self._receive(response, start=start, final=current, redirects=hop)
                current = self._redirected(current, _header(response, b"location"))
        raise ReadingError(Reason.TOO_MANY_REDIRECTS, f"over {self._limits.redirects}")

    @asynccontextmanager
    async def _exchange(self, url: SubmittedUrl) -> AsyncIterator[httpcore2.Response]:
        target = httpcore2.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        request = httpcore2.Request(
            b"GET", target, headers=self._headers(url), extensions={"timeout": self._timeouts()}
        )
        connection = httpcore2.AsyncHTTPConnection(
            target.origin, ssl_context=self._ssl_context, network_backend=self._backend
        )
        try:
            response = await connection.handle_async_request(request)
            response.extensions["network_stream"].get_extra_info("meter").headers_done()
            yield response
        finally:
            await connection.aclose()

    def _headers(self, url: SubmittedUrl) -> list[tuple[bytes, bytes]]:
        return [
            (b"Host", url.authority.encode()),
            (b"User-Agent", self._options.user_agent.encode()),
            (b"Accept", ACCEPT),
            # Only gzip: brotli and zstd cannot be told how much they may produce.
            (b"Accept-Encoding", b"gzip"),
            (b"Connection", b"close"),
        ]

    def _timeouts(self) -> dict[str, float]:
        limits = self._limits
        return {
            "connect": limits.connect_seconds,
            "read": limits.first_byte_seconds,
            "write": limits.connect_seconds,
        }

    def _redirected(self, current: SubmittedUrl, location: str) -> SubmittedUrl:
        """Judge a redirect as a fresh submission: its author is the stranger, not our user."""
        try:
            joined = urljoin(current.as_fetched, location.strip().replace(" ", "%20"))
            target = parse_submitted_url(joined, allow_hosts=self._options.allow_hosts)
        except ValueError as error:
            raise ReadingError(Reason.BLOCKED_ADDRESS, f"redirect refused: {error}") from error
        if current.scheme == "https" and target.scheme == "http":
            raise ReadingError(Reason.TOO_MANY_REDIRECTS, "redirect from https to http")
        return target

    async def _receive(
        self, response: httpcore2.Response, *, start: SubmittedUrl, final: SubmittedUrl, redirects: int
    ) -> Fetched:
        _refuse_status(response.status)
        declared = parse_content_type(_header(response, b"content-type"))
        refuse_hopeless(declared)
        body = await self._body(response)
        return Fetched(
            url=start.submitted,
            final_url=final.as_fetched,
            status=response.status,
            content_type=settle_type(declared, body),
            charset=declared.charset,
            body=body,
            redirects=redirects,
        )

    async def _body(self, response: httpcore2.Response) -> bytes:
        length = _header(response, b"content-length")
        if length.isdecimal() and int(length) > self._limits.body_bytes:
            raise ReadingError(Reason.TOO_LARGE, f"{length} bytes announced")
        collector = BodyCollector(
            _header(response, b"content-encoding"),
            limit=self._limits.body_bytes,
            ratio=self._limits.inflate_ratio,
        )
        began = time.monotonic()
        async for chunk in response.aiter_stream():
            collector.feed(chunk)
            self._refuse_trickle(collector.wire_bytes, time.monotonic() - began)
        return collector.finish()

    def _refuse_trickle(self, received: int, seconds: float) -> None:
        limits = self._limits
        if seconds > limits.min_rate_after_seconds and received < limits.min_bytes_per_second * seconds:
            raise ReadingError(Reason.TIMEOUT, f"{received} bytes in {seconds:.1f} s")


def _refuse_status(status: int) -> None:
    if not 200 <= status < 300:  # noqa: PLR2004  # RFC 9110 15.3: the 2xx class
        retryable = status in TRY_AGAIN or status >= 500  # noqa: PLR2004  # RFC 9110 15.6: the 5xx class
        raise ReadingError(Reason.HTTP_STATUS, str(status), retryable=retryable)


def _header(response: httpcore2.Response, name: bytes) -> str:
    values = (value for key, value in response.headers if key.lower() == name)
    return next(values, b"").decode("utf-8", "replace")
