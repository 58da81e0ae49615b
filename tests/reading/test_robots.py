"""robots.txt: honoured as RFC 9309 has it, and no way to harm whoever reads it."""

import time
from dataclasses import dataclass, field

import pytest

from app.reading.courtesy import SmallAnswer
from app.reading.errors import ReadingError, Reason
from app.reading.robots import (
    LONGEST_SECONDS,
    MAX_ROBOTS_BYTES,
    SHORTEST_SECONDS,
    UNREACHABLE_SECONDS,
    USUAL_SECONDS,
    RobotsFile,
    Standing,
    read_robots,
)
from app.reading.urls import SubmittedUrl, parse_submitted_url

pytestmark = pytest.mark.unit
ROBOTS = parse_submitted_url("https://example.com/robots.txt")
PAGE = parse_submitted_url("https://example.com/a")


@dataclass
class Scripted:
    answer: SmallAnswer | Exception
    asked: list[int] = field(default_factory=list)

    async def fetch_small(self, url: SubmittedUrl, *, limit: int) -> SmallAnswer:
        assert url is ROBOTS
        self.asked.append(limit)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def read(status: int, body: bytes = b"", cache_control: str = "") -> RobotsFile:
    return await read_robots(Scripted(SmallAnswer(status, body, cache_control)), ROBOTS)


def allowed(text: str, path: str = "/a") -> bool:
    rules = RobotsFile(Standing.RULES, 0, text).rules()
    return rules.allow(parse_submitted_url(f"https://example.com{path}"))


@pytest.mark.parametrize("status", [500, 502, 503, 599])
async def test_a_site_that_cannot_say_is_left_alone_for_a_while(status: int) -> None:
    found = await read(status)
    assert (found.standing, found.seconds) == (Standing.CLOSED, UNREACHABLE_SECONDS)
    assert not found.rules().allow(PAGE)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.TOO_LARGE, Reason.UNSUPPORTED_TYPE])
async def test_an_answer_that_does_not_come_forbids_for_a_while(reason: Reason) -> None:
    found = await read_robots(Scripted(ReadingError(reason)), ROBOTS)
    assert found.standing is Standing.CLOSED


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.CONNECT, Reason.TLS])
async def test_a_site_that_cannot_be_reached_fails_for_that_reason(reason: Reason) -> None:
    with pytest.raises(ReadingError) as failed:
        await read_robots(Scripted(ReadingError(reason)), ROBOTS)
    assert failed.value.reason is reason


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 300, 399])
async def test_no_file_allows_everything(status: int) -> None:
    found = await read(status, b"User-agent: *\nDisallow: /")
    assert (found.standing, found.seconds) == (Standing.OPEN, SHORTEST_SECONDS)
    assert found.rules().allow(PAGE)


@pytest.mark.parametrize("reason", [Reason.TOO_MANY_REDIRECTS, Reason.BLOCKED_ADDRESS])
async def test_redirects_to_nowhere_or_inside_leave_it_to_the_page(reason: Reason) -> None:
    assert (await read_robots(Scripted(ReadingError(reason)), ROBOTS)).standing is Standing.OPEN


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", USUAL_SECONDS),
        ("max-age=0", SHORTEST_SECONDS),
        ("public, Max-Age = 7200", 7200),
        ("max-age=999999999", LONGEST_SECONDS),
        ("s-max-age=1", USUAL_SECONDS),
        ("max-age=x", USUAL_SECONDS),
    ],
)
async def test_a_file_holds_for_an_hour_to_a_day(cache_control: str, seconds: int) -> None:
    assert (await read(200, b"", cache_control)).seconds == seconds


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: PrecisBot\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: precis\nDisallow: /a", False),
        ("User-agent: PrecisBot\nAllow: /a\nDisallow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: GoogleBot\nDisallow: /", True),
        ("User-agent: *\nDisallow: /*a$", False),
        ("User-agent: *\nDisallow: /*b$", True),
        ("Disallow: /", True),
        ("<html>not found</html>", True),
        ("\x00\xff\ufffd" * 100, True),
    ],
)
def test_the_rules_mean_what_the_standard_says(text: str, is_allowed: bool) -> None:  # noqa: FBT001  # a table
    assert allowed(text) is is_allowed


async def test_a_byte_order_mark_and_broken_utf_8_hide_no_rule() -> None:
    found = await read(200, b"\xef\xbb\xbfUser-agent: *\n\xff\xfe\nDisallow: /")
    assert not found.rules().allow(PAGE)


@pytest.mark.parametrize(
    ("delay", "seconds"), [("5", 5.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("soon", None)]
)
def test_a_crawl_delay_is_read(delay: str, seconds: float | None) -> None:
    text = f"User-agent: *\nCrawl-delay: {delay}"
    assert RobotsFile(Standing.RULES, 0, text).rules().crawl_delay_seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\n" + ("Disallow: /" + "*a" * 300 + "*b$\n") * 800,
        "User-agent: *\n" + ("Disallow: /" + "*aab" * 3000 + "*b$\n") * 40,
        "".join(f"User-agent: u{number}\n" for number in range(33_000)),
        "User-agent: *\nDisallow: /" + "%zz" * 150_000,
        "\n" * MAX_ROBOTS_BYTES,
        "a" * MAX_ROBOTS_BYTES,
    ],
)
def test_no_file_of_full_size_keeps_us_busy(text: str) -> None:
    began = time.process_time()
    assert isinstance(allowed(text[:MAX_ROBOTS_BYTES], "/" + "a" * 1900), bool)
    assert time.process_time() - began < 5
