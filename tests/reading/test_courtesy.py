"""Conditional requests, small answers and the gate, against a server that keeps to no rule."""

from dataclasses import dataclass, field

import pytest

from app.reading.courtesy import Gate, OpenGate, Validators, retry_after_seconds
from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetcher, FetcherOptions
from app.reading.urls import SubmittedUrl, parse_submitted_url
from tests.reading.names import FixedNames
from tests.reading.origin import ROUTES, Origin, plain, redirect, response, serve
from tests.reading.test_fetch import QUICK

pytestmark = pytest.mark.unit
TAGGED = 'ETag: "v1"\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n'
KNOWN = Validators('"v1"', "Sat, 21 Nov 2026 10:00:00 GMT")


@dataclass
class Doorman:
    """Writes down whom it let in."""

    admitted: list[str] = field(default_factory=list)
    waits: list[tuple[str, int]] = field(default_factory=list)
    error: Exception | None = None

    async def admit(self, url: SubmittedUrl) -> None:
        self.admitted.append(url.target)
        if self.error:
            raise self.error

    async def told_to_wait(self, url: SubmittedUrl, seconds: int) -> None:
        self.waits.append((url.host, seconds))


ROUTES.update(
    {
        "/tagged": plain(response(b"<p>x", extra=TAGGED)),
        "/bad-tag": plain(response(b"<p>x", extra='ETag: "a\x7f"\r\nLast-Modified: <script>\r\n')),
        "/same": plain(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n'),
        "/slow-down": plain(response(b"", status="429 Too Many Requests", extra="Retry-After: 30\r\n")),
        "/gone-fishing": plain(response(b"", status="503 Unavailable", extra="Retry-After: 99999\r\n")),
        "/to-same": plain(redirect("/same")),
    }
)


def fetcher(origin: Origin, gate: Gate | None = None) -> Fetcher:
    options = FetcherOptions("T/1", limits=QUICK, allow_hosts=origin.allowed, gate=gate or OpenGate())
    return Fetcher(FixedNames({}), options)


@pytest.mark.parametrize(
    ("path", "validators"), [("/tagged", KNOWN), ("/bad-tag", Validators()), ("/page", Validators())]
)
async def test_what_a_page_is_known_by_comes_with_it(path: str, validators: Validators) -> None:
    async with serve() as origin:
        fetched = await fetcher(origin).fetch(origin.url(path))
    assert fetched.validators == validators
    assert not fetched.is_unchanged


@pytest.mark.parametrize("path", ["/same", "/to-same"])
async def test_a_page_that_has_not_changed_says_so(path: str) -> None:
    async with serve() as origin:
        fetched = await fetcher(origin).fetch(origin.url(path), validators=KNOWN)
    assert (fetched.is_unchanged, fetched.body, fetched.validators.etag) == (True, b"", '"v1"')
    headers = origin.requests[-1].headers
    assert (headers["if-none-match"], headers["if-modified-since"]) == (KNOWN.etag, KNOWN.last_modified)


async def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetcher(origin).fetch(origin.url("/same"))
    assert failed.value.reason is Reason.HTTP_STATUS
    assert "if-none-match" not in origin.requests[0].headers


async def test_another_host_is_not_told_what_the_first_one_gave() -> None:
    async with serve() as other, serve() as origin:
        ROUTES["/to-other"] = plain(redirect(other.url("/page")))
        options = FetcherOptions("T/1", limits=QUICK, allow_hosts=origin.allowed | other.allowed)
        await Fetcher(FixedNames({}), options).fetch(origin.url("/to-other"), validators=KNOWN)
    assert "if-none-match" in origin.requests[0].headers
    assert "if-none-match" not in other.requests[0].headers


async def test_the_gate_is_asked_before_every_request() -> None:
    gate = Doorman()
    async with serve() as origin:
        await fetcher(origin, gate).fetch(origin.url("/hops/2"))
    assert gate.admitted == ["/hops/2", "/hops/1", "/hops/0"]


async def test_what_the_gate_refuses_opens_no_connection() -> None:
    gate = Doorman(error=ReadingError(Reason.ROBOTS_DISALLOWED))
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetcher(origin, gate).fetch(origin.url("/page"))
    assert failed.value.reason is Reason.ROBOTS_DISALLOWED
    assert origin.requests == []


@pytest.mark.parametrize(("path", "seconds"), [("/slow-down", 30), ("/gone-fishing", 600)])
async def test_the_gate_hears_how_long_to_stay_away(path: str, seconds: int) -> None:
    gate = Doorman()
    async with serve() as origin:
        with pytest.raises(ReadingError) as failed:
            await fetcher(origin, gate).fetch(origin.url(path))
    assert failed.value.retryable
    assert gate.waits == [("127.0.0.1", seconds)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("", 0), ("30", 30), ("-1", 0), ("1.5", 0), ("٣", 0), ("9" * 40, 600), ("soon", 0)),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: int) -> None:
    assert retry_after_seconds(header, now=10.0) == seconds


@pytest.mark.parametrize(
    ("path", "status", "length"),
    [
        *(("/page", 200, 10), ("/404", 404, 10), ("/503", 503, 10), ("/image", 200, 4), ("/gzip", 200, 10)),
        *(("/endless", 200, 10), ("/gzip-bomb", 200, 10), ("/eleven-megabytes", 200, 10)),
    ],
)
async def test_of_any_answer_only_the_beginning_is_read(path: str, status: int, length: int) -> None:
    async with serve() as origin:
        url = parse_submitted_url(origin.url(path), allow_hosts=origin.allowed)
        answer = await fetcher(origin).fetch_small(url, limit=10)
    assert (answer.status, len(answer.body)) == (status, length)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *(("/loop", Reason.TOO_MANY_REDIRECTS), ("/to-private", Reason.BLOCKED_ADDRESS)),
        *(("/silent", Reason.TIMEOUT), ("/garbage", Reason.CONNECT), ("/trickle", Reason.TIMEOUT)),
    ],
)
async def test_what_harms_a_page_harms_no_more_here(path: str, reason: Reason) -> None:
    async with serve() as origin:
        url = parse_submitted_url(origin.url(path), allow_hosts=origin.allowed)
        with pytest.raises(ReadingError) as failed:
            await fetcher(origin).fetch_small(url, limit=500 * 1024)
    assert failed.value.reason is reason
