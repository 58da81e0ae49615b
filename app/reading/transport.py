"""The sockets of the fetcher: every connection is checked where it opens, and every read is counted.

The check stands in `connect_tcp` itself: a redirect, a retry or a name that changes its answer between check
and use (DNS rebinding) cannot go around it, because the checked address is the one that is connected to.
"""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore2
from typing_extensions import override

from app.reading.addresses import Address, is_public
from app.reading.errors import ReadingError, Reason
from app.reading.resolver import Resolver
from app.reading.urls import HostPort

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Seconds and bytes. `total_seconds` covers everything, name resolution and redirects included.

    Before whoever fetches a page has room for a heavy one, no more of it is kept than `light_bytes`, and of
    all pages together `shared_bytes` besides.
    """

    total_seconds: float = 20.0
    resolve_seconds: float = 3.0
    connect_seconds: float = 3.0
    first_byte_seconds: float = 8.0
    header_bytes: int = 64 * 1024
    body_bytes: int = 5 * MIB
    light_bytes: int = 64 * 1024
    shared_bytes: int = 128 * MIB
    inflate_ratio: int = 100
    redirects: int = 5
    min_bytes_per_second: int = 256
    min_rate_after_seconds: float = 5.0
    addresses_tried: int = 3


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Turns a host into addresses to connect to. One bad answer among good ones refuses them all."""

    resolver: Resolver
    limits: FetchLimits
    allow_hosts: frozenset[HostPort]
    own: frozenset[Address]

    async def permitted(self, host: str, port: int) -> list[Address]:
        answers = await self._answers(host, port)
        if (host, port) in self.allow_hosts:
            return answers
        refused = [str(answer) for answer in answers if not is_public(answer, own=self.own)]
        if refused:
            raise ReadingError(Reason.BLOCKED_ADDRESS, f"{host} resolves to {', '.join(refused)}")
        return answers

    async def _answers(self, host: str, port: int) -> list[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            return await self._resolve(host, port)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            async with asyncio.timeout(self.limits.resolve_seconds):
                answers = await self.resolver.resolve(host, port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise ReadingError(Reason.DNS, f"{host}: {error!r}") from error
        if not answers:
            raise ReadingError(Reason.DNS, f"{host}: no address")
        return answers


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, guard: AddressGuard, limits: FetchLimits) -> None:
        self._guard = guard
        self._limits = limits
        self._sockets = httpcore2.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # Any: httpcore2's private union, passed on unread
    ) -> "MeteredStream":
        addresses = (await self._guard.permitted(host, port))[: self._limits.addresses_tried]
        share = self._limits.connect_seconds / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = await self._sockets.connect_tcp(str(address), port, timeout=share)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return MeteredStream(stream, WireMeter(self._limits))
        raise failure or ReadingError(Reason.CONNECT, f"{host}: no address tried")

    @override
    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        raise ReadingError(Reason.BLOCKED_ADDRESS, "unix sockets are never fetched")

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class WireMeter:
    """Counts what arrives on one connection, in two phases: headers, then body."""

    def __init__(self, limits: FetchLimits) -> None:
        # Chunked framing may add to a body, but not double it; a server that manages is stalling us.
        self._body_budget = 2 * limits.body_bytes
        self._header_budget = limits.header_bytes
        self._in_headers = True

    def headers_done(self) -> None:
        self._in_headers = False

    def next_read(self, wanted: int) -> int:
        """How many bytes may be read now. In the header phase never past its budget, so it holds exactly."""
        left = self._header_budget if self._in_headers else self._body_budget
        if left <= 0:
            phase = "headers" if self._in_headers else "body on the wire"
            raise ReadingError(Reason.TOO_LARGE, phase)
        return min(wanted, left)

    def count(self, received: int) -> None:
        if self._in_headers:
            self._header_budget -= received
        self._body_budget -= received


class MeteredStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream, meter: WireMeter) -> None:
        self._stream = stream
        self._meter = meter

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(self._meter.next_read(max_bytes), timeout)
        self._meter.count(len(data))
        return data

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "MeteredStream":
        try:
            secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except httpcore2.ConnectError as error:
            raise ReadingError(Reason.TLS, repr(error)) from error
        return MeteredStream(secured, self._meter)

    @override
    def get_extra_info(self, info: str) -> Any:  # Any: httpcore2's signature
        return self._meter if info == "meter" else self._stream.get_extra_info(info)
