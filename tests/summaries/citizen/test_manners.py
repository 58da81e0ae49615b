"""The gate in front of every request: what robots.txt says, whose turn it is, and what hostile sites try."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from app.core.redis import RedisClient
from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetcher, FetcherOptions
from app.reading.urls import HostPort, SubmittedUrl, parse_submitted_url
from app.settings import load_settings
from app.summaries.citizen.manners import Manners, MannersOptions, PostponedError, host_of
from app.summaries.citizen.pacing import LocalPacer, Pace, Pacer
from app.summaries.citizen.robots_cache import RobotsCache
from app.worker.process import make_manners
from tests.reading.names import FixedNames
from tests.reading.origin import PAGE, ROUTES, Handler, Origin, plain, redirect, response, serve
from tests.reading.test_fetch import QUICK

pytestmark = pytest.mark.unit
PACE = Pace(interval=1.0, burst=2, patience=1.5)


@pytest.fixture
async def gone() -> AsyncIterator[RedisClient]:
    """Its users keep what they know in this process."""
    client = RedisClient("redis://127.0.0.1:1/0")
    yield client
    await client.aclose()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def robots() -> object:
    """Whatever a test puts there is taken away again."""
    yield ROUTES
    ROUTES.pop("/robots.txt", None)


class Visitor:
    """A fetcher with its gate, before one origin; the clock of its pace stands still."""

    def __init__(
        self,
        client: RedisClient,
        origin: Origin,
        slept: list[float],
        *,
        exempt: frozenset[HostPort] = frozenset(),
    ) -> None:
        async def sleep(seconds: float) -> None:
            slept.append(round(seconds, 3))

        options = FetcherOptions("PrecisBot/1", limits=QUICK, allow_hosts=origin.allowed)
        pacer = Pacer(client, local=LocalPacer(clock=lambda: 1000.0))
        cache = RobotsCache(client, Fetcher(FixedNames({}), options))
        self.gate = Manners(pacer, cache, MannersOptions(PACE, exempt, sleep))
        self.fetcher = Fetcher(FixedNames({}), replace(options, gate=self.gate))
        self.origin = origin

    async def read(self, path: str = "/page") -> bytes:
        return (await self.fetcher.fetch(self.origin.url(path))).body


def says(text: str, *, extra: str = "") -> Handler:
    return plain(response(text.encode(), content_type="text/plain", extra=extra))


async def refused(visitor: Visitor, path: str = "/page") -> ReadingError:
    with pytest.raises(ReadingError) as failed:
        await visitor.read(path)
    return failed.value


@pytest.mark.usefixtures("robots")
async def test_what_robots_txt_forbids_is_not_asked_for(gone: RedisClient, slept: list[float]) -> None:
    ROUTES["/robots.txt"] = says("User-agent: PrecisBot\nDisallow: /page")
    async with serve() as origin:
        error = await refused(Visitor(gone, origin, slept))
    assert (error.reason, error.retryable) == (Reason.ROBOTS_DISALLOWED, False)
    assert [request.path for request in origin.requests] == ["/robots.txt"]


@pytest.mark.usefixtures("robots")
async def test_a_redirect_is_no_way_around_it(gone: RedisClient, slept: list[float]) -> None:
    ROUTES["/robots.txt"] = says("User-agent: *\nDisallow: /hops/0")
    async with serve() as origin:
        error = await refused(Visitor(gone, origin, slept), "/hops/1")
    assert error.reason is Reason.ROBOTS_DISALLOWED
    assert "/hops/0" not in [request.path for request in origin.requests]


@pytest.mark.usefixtures("robots")
@pytest.mark.parametrize("path", ["/503", "/silent"])
async def test_a_site_that_cannot_say_is_tried_later(
    gone: RedisClient, slept: list[float], path: str
) -> None:
    ROUTES["/robots.txt"] = ROUTES[path]
    async with serve() as origin:
        error = await refused(Visitor(gone, origin, slept))
    assert (error.reason, error.retryable) == (Reason.ROBOTS_DISALLOWED, True)


HARMLESS: dict[str, Handler] = {
    "404": ROUTES["/404"],
    "a loop": plain(redirect("/robots.txt")),
    "ever longer": plain(redirect("/robots.txtx")),
    "a private address": plain(redirect("http://10.0.0.1/robots.txt")),
    "the cloud's metadata": plain(redirect("http://169.254.169.254/robots.txt")),
    "another scheme": plain(redirect("file:///etc/passwd")),
    "binary": plain(response(bytes(range(256)) * 100, content_type="image/png")),
    "a page": plain(response(PAGE)),
    "eleven megabytes": ROUTES["/eleven-megabytes"],
    "endless": ROUTES["/endless"],
    "a bomb": ROUTES["/gzip-bomb"],
    "forbidden after its end": says("#" * 500 * 1024 + "\nUser-agent: *\nDisallow: /"),
}


@pytest.mark.usefixtures("robots")
@pytest.mark.parametrize("name", HARMLESS)
async def test_no_robots_txt_harms_whoever_reads_it(gone: RedisClient, slept: list[float], name: str) -> None:
    ROUTES["/robots.txt"] = HARMLESS[name]
    async with serve() as origin:
        assert await Visitor(gone, origin, slept).read() == PAGE


async def test_turns_near_by_are_waited_for_and_far_ones_postponed(
    gone: RedisClient, slept: list[float]
) -> None:
    async with serve() as origin:
        visitor = Visitor(gone, origin, slept)
        for _ in range(3):
            await visitor.read()
        with pytest.raises(PostponedError) as postponed:
            await visitor.read()
    assert (slept, postponed.value.seconds) == ([1.0], 2.0)
    assert len([request for request in origin.requests if request.path == "/page"]) == 3


async def test_a_host_that_is_full_keeps_nobody_from_another(gone: RedisClient, slept: list[float]) -> None:
    async with serve() as slow, serve(host="localhost") as other:
        visitor = Visitor(gone, slow, slept)
        for _ in range(9):
            await visitor.gate._pacer.turn("127.0.0.1", PACE)  # noqa: SLF001  # as other workers take them
        with pytest.raises(PostponedError):
            await visitor.read()
        url = parse_submitted_url(f"https://example.{other.host[:3]}/")
        assert (await visitor.gate._pacer.turn(url.host, PACE)).seconds == 0  # noqa: SLF001  # as above


@pytest.mark.usefixtures("robots")
@pytest.mark.parametrize(("delay", "waits"), [("1.2", [1.2]), ("0.1", [1.0])])
async def test_a_crawl_delay_slows_and_never_speeds(
    gone: RedisClient, slept: list[float], delay: str, waits: list[float]
) -> None:
    ROUTES["/robots.txt"] = says(f"User-agent: *\nCrawl-delay: {delay}")
    async with serve() as origin:
        visitor = Visitor(gone, origin, slept)
        for _ in range(2):
            await visitor.read()
    assert slept == waits


@pytest.mark.usefixtures("robots")
async def test_a_crawl_delay_of_a_day_is_ten_seconds(gone: RedisClient, slept: list[float]) -> None:
    ROUTES["/robots.txt"] = says("User-agent: *\nCrawl-delay: 86400")
    async with serve() as origin:
        visitor = Visitor(gone, origin, slept)
        await visitor.read()
        with pytest.raises(PostponedError) as postponed:
            await visitor.read()
    assert postponed.value.seconds == 10.0


async def test_retry_after_keeps_everybody_away(gone: RedisClient, slept: list[float]) -> None:
    ROUTES["/busy"] = plain(response(b"", status="429 Too Many Requests", extra="Retry-After: 120\r\n"))
    async with serve() as origin:
        visitor = Visitor(gone, origin, slept)
        assert (await refused(visitor, "/busy")).retryable
        with pytest.raises(PostponedError) as postponed:
            await visitor.read()
    assert postponed.value.seconds == 120.0


@pytest.mark.usefixtures("robots")
async def test_the_operators_own_hosts_are_exempt(gone: RedisClient, slept: list[float]) -> None:
    ROUTES["/robots.txt"] = says("User-agent: *\nDisallow: /")
    ROUTES["/busy"] = plain(response(b"", status="503 Busy", extra="Retry-After: 120\r\n"))
    async with serve() as origin:
        visitor = Visitor(gone, origin, slept, exempt=origin.allowed)
        await refused(visitor, "/busy")
        for _ in range(5):
            assert await visitor.read() == PAGE
    assert slept == []


@pytest.mark.usefixtures("robots")
@pytest.mark.parametrize(("setting", "asked"), [("honour", ["/robots.txt"]), ("ignore", ["/page"])])
async def test_robots_txt_may_be_ignored(gone: RedisClient, setting: str, asked: list[str]) -> None:
    ROUTES["/robots.txt"] = says("User-agent: *\nDisallow: /")
    settings = await asyncio.to_thread(load_settings, robots_txt=setting)
    async with serve() as origin:
        options = FetcherOptions("PrecisBot/1", limits=QUICK, allow_hosts=origin.allowed)
        gate = make_manners(settings, gone, Fetcher(FixedNames({}), options))
        with suppress(ReadingError):
            await Fetcher(FixedNames({}), replace(options, gate=gate)).fetch(origin.url("/page"))
    assert [request.path for request in origin.requests] == asked


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://www.example.com/", "example.com"), ("http://Example.com:8080/a", "example.com")],
)
def test_what_counts_as_one_host(url: str, host: str) -> None:
    parsed: SubmittedUrl = parse_submitted_url(url)
    assert host_of(parsed) == host
