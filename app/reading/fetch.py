"""Fetch one page from a stranger's server: safely, within limits, every failure under its own reason."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin

import httpcore2

from app.reading.addresses import Address
from app.reading.allowance import Allowance
from app.reading.content_types import parse_content_type, refuse_hopeless, settle_type
from app.reading.courtesy import NO_VALIDATORS, Gate, OpenGate, SmallAnswer, Validators, retry_after_seconds
from app.reading.errors import ReadingError, Reason
from app.reading.inflate import BodyCollector, PrefixCollector
from app.reading.patience import Heavy, at_once, paused
from app.reading.resolver import Resolver
from app.reading.transport import AddressGuard, FetchLimits, GuardedBackend
from app.reading.urls import HostPort, SubmittedUrl, parse_submitted_url

T = TypeVar("T")

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
TRY_AGAIN = frozenset({408, 425, 429})
TOLD_TO_WAIT = frozenset({429, 503})
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
    validators: Validators = NO_VALIDATORS

    @property
    def is_unchanged(self) -> bool:
        """Not since the validators that it was asked with: there is no body."""
        return self.status == NOT_MODIFIED


@dataclass(frozen=True, slots=True)
class FetcherOptions:
    """`own` holds the addresses of this machine and its services (see `addresses.own_addresses`)."""

    user_agent: str
    limits: FetchLimits = field(default_factory=FetchLimits)
    allow_hosts: frozenset[HostPort] = frozenset()
    own: frozenset[Address] = frozenset()
    gate: Gate = field(default_factory=OpenGate)


@dataclass(frozen=True, slots=True)
class _Way:
    start: SubmittedUrl
    final: SubmittedUrl
    redirects: int


@dataclass(frozen=True, slots=True)
class _Room:
    """Asked for before a body is kept that is neither light nor shared; `limit` does not count that wait."""

    heavy: Heavy
    limit: asyncio.Timeout

    async def ask(self) -> float:
        """How many seconds it took."""
        began = time.monotonic()
        async with paused(self.limit):
            await self.heavy()
        return time.monotonic() - began


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
        self._allowance = Allowance(options.limits.shared_bytes)

    async def fetch(
        self, url: str, *, validators: Validators = NO_VALIDATORS, heavy: Heavy = at_once
    ) -> Fetched:
        """With `validators` the answer may be `is_unchanged`.

        Raises:
            ReadingError: the fetch failed; `InvalidUrlError` when `url` itself could never be fetched. Also
                whatever the gate raises.
        """
        start = parse_submitted_url(url, allow_hosts=self._options.allow_hosts)
        # What it waits for before the first request is our own doing, and not the page's time.
        await self._options.gate.admit(start)
        return await self._timed(start, lambda limit: self._follow(start, validators, _Room(heavy, limit)))

    async def fetch_small(self, url: SubmittedUrl, *, limit: int) -> SmallAnswer:
        """Of any status and type, at most `limit` bytes. The gate is not asked. Raises ReadingError."""
        return await self._timed(url, lambda _: self._follow_small(url, limit))

    async def _timed(self, start: SubmittedUrl, follow: Callable[[asyncio.Timeout], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._limits.total_seconds) as limit:
                return await follow(limit)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise ReadingError(Reason.TIMEOUT, f"{start.host}: {error!r}") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise ReadingError(Reason.CONNECT, f"{start.host}: {error!r}") from error

    async def _follow(self, start: SubmittedUrl, validators: Validators, room: _Room) -> Fetched:
        current = start
        for hop in range(self._limits.redirects + 1):
            if hop:
                await self._options.gate.admit(current)
            # Another host has not given them, and may take them for its own.
            known = validators if current.authority == start.authority else NO_VALIDATORS
            async with self._exchange(current, known.headers) as response:
                if not _leads_on(response):
                    way = _Way(start, current, hop)
                    return await self._receive(response, way, room, is_conditional=bool(known))
                current = self._redirected(current, _header(response, b"location"))
        raise ReadingError(Reason.TOO_MANY_REDIRECTS, f"over {self._limits.redirects}")

    async def _follow_small(self, start: SubmittedUrl, limit: int) -> SmallAnswer:
        current = start
        for _hop in range(self._limits.redirects + 1):
            async with self._exchange(current) as response:
                if not _leads_on(response):
                    body = await self._prefix(response, limit)
                    return SmallAnswer(response.status, body, _header(response, b"cache-control"))
                current = self._redirected(current, _header(response, b"location"))
        raise ReadingError(Reason.TOO_MANY_REDIRECTS, f"over {self._limits.redirects}")

    @asynccontextmanager
    async def _exchange(
        self, url: SubmittedUrl, conditions: Sequence[tuple[bytes, bytes]] = ()
    ) -> AsyncIterator[httpcore2.Response]:
        target = httpcore2.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        headers = [*self._headers(url), *conditions]
        request = httpcore2.Request(b"GET", target, headers=headers, extensions={"timeout": self._timeouts()})
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
        self, response: httpcore2.Response, way: _Way, room: _Room, *, is_conditional: bool
    ) -> Fetched:
        is_unchanged = is_conditional and response.status == NOT_MODIFIED
        if not is_unchanged:
            await self._refuse_status(response, way.final)
        declared = parse_content_type(_header(response, b"content-type"))
        body = b""
        if not is_unchanged:
            refuse_hopeless(declared)
            body = await self._body(response, room)
        return Fetched(
            url=way.start.submitted,
            final_url=way.final.as_fetched,
            status=response.status,
            content_type="" if is_unchanged else settle_type(declared, body),
            charset=declared.charset,
            body=body,
            redirects=way.redirects,
            validators=Validators.received(_header(response, b"etag"), _header(response, b"last-modified")),
        )

    async def _refuse_status(self, response: httpcore2.Response, url: SubmittedUrl) -> None:
        status = response.status
        if 200 <= status < 300:  # noqa: PLR2004  # RFC 9110 15.3: the 2xx class
            return
        pause = retry_after_seconds(_header(response, b"retry-after"), now=time.time())
        if status in TOLD_TO_WAIT and pause:
            await self._options.gate.told_to_wait(url, pause)
        retryable = status in TRY_AGAIN or status >= 500  # noqa: PLR2004  # RFC 9110 15.6: the 5xx class
        raise ReadingError(Reason.HTTP_STATUS, str(status), retryable=retryable)

    async def _body(self, response: httpcore2.Response, room: _Room) -> bytes:
        length = _header(response, b"content-length")
        limits = self._limits
        if length.isdecimal() and int(length) > limits.body_bytes:
            raise ReadingError(Reason.TOO_LARGE, f"{length} bytes announced")
        encoding = _header(response, b"content-encoding")
        collector = BodyCollector(encoding, limit=limits.body_bytes, ratio=limits.inflate_ratio)
        return await self._collected(response, collector, room)

    async def _prefix(self, response: httpcore2.Response, limit: int) -> bytes:
        encoding = _header(response, b"content-encoding")
        collector = PrefixCollector(encoding, limit=limit, ratio=self._limits.inflate_ratio)
        return await self._collected(response, collector)

    async def _collected(
        self, response: httpcore2.Response, collector: BodyCollector, room: _Room | None = None
    ) -> bytes:
        began = time.monotonic()
        with self._allowance.share() as share:
            async with aclosing(response.aiter_stream()) as chunks:
                async for chunk in chunks:
                    collector.feed(chunk)
                    if collector.is_full:
                        break
                    self._refuse_trickle(collector.wire_bytes, time.monotonic() - began)
                    if room is not None and not share.grow_to(collector.size - self._limits.light_bytes):
                        began += await room.ask()
                        share.give_back()
                        room = None
            body = collector.finish()
            # Shared memory is for what still comes: whoever has all of it waits for a place with it.
            if room is not None and share.taken:
                await room.ask()
        return body

    def _refuse_trickle(self, received: int, seconds: float) -> None:
        limits = self._limits
        if seconds > limits.min_rate_after_seconds and received < limits.min_bytes_per_second * seconds:
            raise ReadingError(Reason.TIMEOUT, f"{received} bytes in {seconds:.1f} s")


def _leads_on(response: httpcore2.Response) -> bool:
    return response.status in REDIRECTS and bool(_header(response, b"location"))


def _header(response: httpcore2.Response, name: bytes) -> str:
    values = (value for key, value in response.headers if key.lower() == name)
    return next(values, b"").decode("utf-8", "replace")
