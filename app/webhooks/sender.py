"""One try at one delivery: a POST to a stranger's server, as carefully as the fetcher reads from one.

Each try has a connection of its own, whose address is checked where it opens; redirects are not followed; of
the answer at most 64 KiB are read, and everything together takes 15 s at most.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpcore2
import structlog

from app.reading.delivery_urls import parse_delivery_url
from app.reading.errors import ReadingError, Reason
from app.reading.fetch import FetcherOptions
from app.reading.resolver import Resolver
from app.reading.transport import AddressGuard, FetchLimits, GuardedBackend
from app.reading.urls import InvalidUrlError, SubmittedUrl
from app.summaries.results import storable
from app.webhooks.vocabulary import DeliveryFailure

TOTAL_SECONDS = 15.0
READ_BYTES = 64 * 1024
KEPT_CHARACTERS = 2000
GONE = 410
# On the wire a body may have twice its bytes, and that is what we count: tiny chunks are mostly framing.
LIMITS = FetchLimits(
    total_seconds=TOTAL_SECONDS, first_byte_seconds=TOTAL_SECONDS, body_bytes=READ_BYTES // 2
)
FAILURES: Mapping[Reason, DeliveryFailure] = {
    Reason.DNS: DeliveryFailure.DNS,
    Reason.CONNECT: DeliveryFailure.CONNECT,
    Reason.TIMEOUT: DeliveryFailure.TIMEOUT,
    Reason.TLS: DeliveryFailure.TLS,
    Reason.BLOCKED_ADDRESS: DeliveryFailure.BLOCKED_ADDRESS,
    # Headers without an end; a body is cut instead.
    Reason.TOO_LARGE: DeliveryFailure.INVALID_RESPONSE,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failure` None: delivered. `internal` is for the log only."""

    failure: DeliveryFailure | None = None
    status: int | None = None
    body: str | None = None
    milliseconds: int = 0
    internal: str = ""


class Sender:
    """No cookies, no credentials, no proxy from the environment, no connection kept."""

    def __init__(
        self,
        resolver: Resolver,
        options: FetcherOptions,
        *,
        limits: FetchLimits = LIMITS,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._options = options
        self._limits = limits
        guard = AddressGuard(resolver, limits, options.allow_hosts, options.own)
        self._backend = GuardedBackend(guard, limits)
        self._ssl_context = ssl_context or httpcore2.default_ssl_context()

    async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
        """Whatever the other side does, an Outcome; only cancellation is raised."""
        began = time.monotonic()
        outcome = await self._try(url, payload, headers)
        return replace(outcome, milliseconds=round((time.monotonic() - began) * 1000))

    async def _try(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
        try:
            target = parse_delivery_url(url, allow_hosts=self._options.allow_hosts)
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._exchange(target, payload.encode(), headers)
        except InvalidUrlError as error:
            # Was allowed when it was given; the rules are stricter by now.
            return Outcome(DeliveryFailure.BLOCKED_ADDRESS, internal=error.code)
        except ReadingError as error:
            return Outcome(FAILURES[error.reason], internal=error.internal)
        except (TimeoutError, httpcore2.TimeoutException) as error:
            return Outcome(DeliveryFailure.TIMEOUT, internal=repr(error))
        except httpcore2.ProtocolError as error:
            return Outcome(DeliveryFailure.INVALID_RESPONSE, internal=repr(error))
        except (httpcore2.NetworkError, OSError) as error:
            return Outcome(DeliveryFailure.CONNECT, internal=repr(error))

    async def _exchange(self, url: SubmittedUrl, payload: bytes, headers: Mapping[str, str]) -> Outcome:
        target = httpcore2.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        limits = self._limits
        timeouts = {"connect": limits.connect_seconds, "read": limits.total_seconds}
        request = httpcore2.Request(
            b"POST",
            target,
            headers=self._headers(url, headers, length=len(payload)),
            content=payload,
            extensions={"timeout": {**timeouts, "write": limits.total_seconds}},
        )
        connection = httpcore2.AsyncHTTPConnection(
            target.origin, ssl_context=self._ssl_context, network_backend=self._backend
        )
        try:
            response = await connection.handle_async_request(request)
            response.extensions["network_stream"].get_extra_info("meter").headers_done()
            return Outcome(_verdict(response.status), response.status, await _beginning(response))
        finally:
            await connection.aclose()

    def _headers(
        self, url: SubmittedUrl, headers: Mapping[str, str], *, length: int
    ) -> list[tuple[bytes, bytes]]:
        own = {
            "Host": url.authority,
            "User-Agent": self._options.user_agent,
            "Content-Type": "application/json",
            "Content-Length": str(length),
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        return [(name.encode(), value.encode()) for name, value in {**own, **headers}.items()]


def _verdict(status: int) -> DeliveryFailure | None:
    if 200 <= status < 300:  # noqa: PLR2004  # RFC 9110 15.3: the 2xx class
        return None
    if 300 <= status < 400:  # noqa: PLR2004  # RFC 9110 15.4: the 3xx class
        return DeliveryFailure.REDIRECT
    return DeliveryFailure.GONE if status == GONE else DeliveryFailure.HTTP_STATUS


async def _beginning(response: httpcore2.Response) -> str:
    """Of the body, as text that PostgreSQL can hold. What is too much of it is not read at all."""
    body = bytearray()
    try:
        async for chunk in response.aiter_stream():
            body += chunk
    except ReadingError:
        # In the middle of a body only the meter says no: the rest would be too much.
        log.info("webhook_answer_cut", bytes=len(body))
    return storable(body.decode("utf-8", "replace"))[:KEPT_CHARACTERS]
