import asyncio
import dataclasses
import time

import pytest

from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetched, Fetcher, FetcherOptions
from app.reading.resolver import Resolver, SystemResolver
from app.reading.transport import AddressGuard, FetchLimits, GuardedBackend
from app.reading.urls import HostPort, InvalidUrlError
from tests.reading.names import FixedNames, StuckNames
from tests.reading.origin import PAGE, Origin, serve

pytestmark = pytest.mark.unit

QUICK = FetchLimits(
    total_seconds=3.0,
    resolve_seconds=0.2,
    connect_seconds=0.5,
    first_byte_seconds=0.3,
    min_rate_after_seconds=0.3,
)


def fetcher(
    allowed: frozenset[HostPort] = frozenset(),
    *,
    names: Resolver | None = None,
    limits: FetchLimits = QUICK,
) -> Fetcher:
    options = FetcherOptions("PrecisTest/1.0", limits=limits, allow_hosts=allowed)
    return Fetcher(names or FixedNames({}), options)


async def fetch(origin: Origin, path: str, *, limits: FetchLimits = QUICK) -> Fetched:
    return await fetcher(origin.allowed, limits=limits).fetch(origin.url(path))


@pytest.mark.alone
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/eleven-megabytes", Reason.TOO_LARGE),
        ("/eleven-megabytes-undeclared", Reason.TOO_LARGE),
        ("/gzip-bomb", Reason.TOO_LARGE),
        ("/gzip-small-bomb", Reason.TOO_LARGE),
        ("/gzip-cut", Reason.CONNECT),
        ("/gzip-broken", Reason.CONNECT),
        ("/brotli", Reason.UNSUPPORTED_TYPE),
        ("/endless", Reason.TOO_LARGE),
        ("/trickle", Reason.TIMEOUT),
        ("/trickled-headers", Reason.TIMEOUT),
        ("/header-flood", Reason.TOO_LARGE),
        ("/silent", Reason.TIMEOUT),
        ("/loop", Reason.TOO_MANY_REDIRECTS),
        ("/ever-longer", Reason.TOO_MANY_REDIRECTS),
        ("/hops/6", Reason.TOO_MANY_REDIRECTS),
        ("/to-file", Reason.BLOCKED_ADDRESS),
        ("/to-private", Reason.BLOCKED_ADDRESS),
        ("/to-metadata", Reason.BLOCKED_ADDRESS),
        ("/to-localhost", Reason.BLOCKED_ADDRESS),
        ("/to-nowhere", Reason.HTTP_STATUS),
        ("/too-long-length", Reason.CONNECT),
        ("/two-lengths", Reason.CONNECT),
        ("/closed", Reason.CONNECT),
        ("/garbage", Reason.CONNECT),
        ("/404", Reason.HTTP_STATUS),
        ("/503", Reason.HTTP_STATUS),
        ("/pdf-that-is-html", Reason.UNSUPPORTED_TYPE),
        ("/image", Reason.UNSUPPORTED_TYPE),
        ("/image-as-html", Reason.UNSUPPORTED_TYPE),
        ("/octets", Reason.UNSUPPORTED_TYPE),
    ],
)
async def test_each_hostile_answer_ends_in_its_own_reason_in_time(path: str, reason: Reason) -> None:
    began = time.monotonic()
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, path)
    assert failed.value.reason is reason
    assert time.monotonic() - began < QUICK.total_seconds + 1


async def test_a_byte_per_second_ends_with_the_total_time_when_no_rate_is_asked() -> None:
    patient = dataclasses.replace(QUICK, total_seconds=0.5, min_rate_after_seconds=60)
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, "/trickle", limits=patient)
    assert failed.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(("path", "retryable"), [("/404", False), ("/429", True), ("/503", True)])
async def test_only_passing_trouble_is_worth_a_retry(path: str, retryable: bool) -> None:  # noqa: FBT001  # a table
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, path)
    assert failed.value.retryable is retryable


async def test_a_closed_port_is_connect() -> None:
    async with serve() as origin:
        pass
    with pytest.raises(ReadingError) as failed:
        await fetch(origin, "/page")
    assert failed.value.reason is Reason.CONNECT
    assert "127.0.0.1" not in failed.value.hint


async def test_a_literal_loopback_address_is_blocked_unless_allowed() -> None:
    with pytest.raises(ReadingError) as failed:
        await fetcher().fetch("http://127.0.0.1:8080/")
    assert failed.value.reason is Reason.BLOCKED_ADDRESS


async def test_an_unlisted_port_of_an_allowed_host_is_refused() -> None:
    async with serve() as origin:
        with pytest.raises(InvalidUrlError):
            await fetcher(frozenset({(origin.host, 1)})).fetch(origin.url("/page"))


async def test_one_private_answer_among_public_ones_blocks_the_name() -> None:
    names = FixedNames({"mixed.example": [["93.184.216.34", "127.0.0.1"]]})
    with pytest.raises(ReadingError) as failed:
        await fetcher(names=names).fetch("http://mixed.example/")
    assert failed.value.reason is Reason.BLOCKED_ADDRESS


async def test_a_name_that_turns_private_between_two_connections_is_blocked_at_the_second() -> None:
    names = FixedNames({"rebind.example": [["93.184.216.34"], ["10.0.0.1"]]})
    guard = AddressGuard(names, QUICK, frozenset(), frozenset())
    assert await guard.permitted("rebind.example", 80)
    with pytest.raises(ReadingError) as failed:
        await guard.permitted("rebind.example", 80)
    assert failed.value.reason is Reason.BLOCKED_ADDRESS


async def test_unix_sockets_are_never_opened() -> None:
    backend = GuardedBackend(AddressGuard(FixedNames({}), QUICK, frozenset(), frozenset()), QUICK)
    with pytest.raises(ReadingError):
        await backend.connect_unix_socket("/run/service.sock")


async def test_a_rebinding_name_is_asked_once_per_connection_and_that_answer_is_used() -> None:
    names = FixedNames({"rebind.example": [["10.0.0.1"], ["127.0.0.1"]]})
    with pytest.raises(ReadingError) as failed:
        await fetcher(names=names).fetch("http://rebind.example:8080/")
    assert failed.value.reason is Reason.BLOCKED_ADDRESS
    assert names.asked == ["rebind.example"]


@pytest.mark.parametrize("names", [FixedNames({}), FixedNames({"gone.example": [[]]}), StuckNames()])
async def test_a_name_without_an_answer_in_time_is_dns(names: Resolver) -> None:
    with pytest.raises(ReadingError) as failed:
        await fetcher(names=names).fetch("http://gone.example/")
    assert failed.value.reason is Reason.DNS


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/page", "text/html", PAGE),
        ("/gzip", "text/html", PAGE),
        ("/gzip-two-members", "text/html", b"<p>onetwo"),
        ("/gzip-padded", "text/html", PAGE),
        ("/pdf.html", "application/pdf", b"%PDF-1.7 ..."),
        ("/pdf-octets", "application/pdf", b"%PDF-1.7 ..."),
        ("/typeless", "text/html", PAGE),
        ("/typeless-text", "text/plain", b"just words"),
        ("/text", "text/plain", b"just words"),
        ("/empty", "text/html", b""),
    ],
)
async def test_honest_answers_arrive_with_their_settled_type(
    path: str, content_type: str, body: bytes
) -> None:
    async with serve() as origin:
        fetched = await fetch(origin, path)
    assert (fetched.content_type, fetched.body) == (content_type, body)


async def test_five_redirects_are_followed_and_told() -> None:
    async with serve() as origin:
        fetched = await fetch(origin, "/hops/5")
        assert fetched.redirects == 5
        assert fetched.final_url == origin.url("/hops/0")
        assert fetched.url == origin.url("/hops/5")


async def test_a_sloppy_redirect_with_a_space_is_followed() -> None:
    async with serve() as origin:
        with pytest.raises(ReadingError):
            await fetch(
                origin, "/to-spaced"
            )  # the origin's catch-all loops; what counts is what it was asked
    assert origin.requests[1].path == "/page?a%20b"


async def test_the_request_carries_no_cookies_or_credentials() -> None:
    async with serve() as origin:
        await fetch(origin, "/cookie")
    assert [request.path for request in origin.requests] == ["/cookie", "/page"]
    headers = origin.requests[1].headers
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert headers["accept-encoding"] == "gzip"
    assert headers["host"] == f"127.0.0.1:{origin.port}"


async def test_the_charset_of_the_header_is_reported() -> None:
    async with serve() as origin:
        assert (await fetch(origin, "/text")).charset == "iso-8859-1"


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with serve() as origin:
        names = FixedNames({"two.example": [["127.0.0.2", "127.0.0.1"]]})
        allowed = frozenset({("two.example", origin.port)})
        fetched = await fetcher(allowed, names=names).fetch(f"http://two.example:{origin.port}/page")
    assert fetched.body == PAGE


async def test_the_system_resolver_finds_localhost() -> None:
    resolver = SystemResolver(threads=1)
    addresses = await resolver.resolve("localhost", 80)
    resolver.close()
    assert all(address.is_loopback for address in addresses)


async def test_light_page_asks_for_no_room() -> None:
    asked: list[str] = []

    async def room() -> None:
        asked.append("room")

    async with serve() as origin:
        await fetcher(origin.allowed).fetch(origin.url("/page"), heavy=room)
    assert asked == []


async def test_wait_for_room_is_asked_once_and_is_not_the_pages_time() -> None:
    limits = dataclasses.replace(QUICK, light_bytes=10, total_seconds=0.5)
    asked: list[str] = []

    async def room() -> None:
        asked.append("room")
        await asyncio.sleep(0.7)

    async with serve() as origin:
        fetched = await fetcher(origin.allowed, limits=limits).fetch(origin.url("/page"), heavy=room)
    assert (fetched.body, asked) == (PAGE, ["room"])


async def test_a_page_that_comes_slowly_takes_of_the_shared_memory_and_room_once_it_is_there() -> None:
    limits = dataclasses.replace(QUICK, light_bytes=10, shared_bytes=len(PAGE))
    asked: list[str] = []

    async def room() -> None:
        asked.append("room")

    async with serve() as origin:
        reader = fetcher(origin.allowed, limits=limits)
        for _ in range(2):
            # What one has taken the next one has again.
            fetched = await reader.fetch(origin.url("/page"), heavy=room)
            assert (fetched.body, asked) == (PAGE, ["room"])
            asked.clear()
