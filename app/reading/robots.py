"""robots.txt (RFC 9309): what a site asks programs not to read, and how slowly to come.

Parsed by protego, whose patterns match in linear time. The standard's own rules for a file that is not there:
4xx and endless redirects allow everything, 5xx and timeouts forbid everything for a while.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from protego import Protego

from app.reading.courtesy import SmallAnswer
from app.reading.errors import ReadingError, Reason
from app.reading.urls import SubmittedUrl

# Records for "Precis" mean us too: the token of a record need only begin ours.
PRODUCT_TOKEN = "PrecisBot"  # noqa: S105  # no secret: what robots.txt calls us
# RFC 9309, section 2.5: at least so much is to be read; the rest is ignored.
MAX_ROBOTS_BYTES = 500 * 1024
HOUR = 3600
SHORTEST_SECONDS, USUAL_SECONDS, LONGEST_SECONDS = HOUR, 4 * HOUR, 24 * HOUR
# How long a site that could not say what it wants is left alone.
UNREACHABLE_SECONDS = 600
MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*(\d{1,9})", re.IGNORECASE)
# To whoever cannot be reached, or may not be, the page's own request says so, and why.
LEFT_TO_THE_PAGE = frozenset({Reason.BLOCKED_ADDRESS, Reason.TOO_MANY_REDIRECTS})
NOT_OK, SERVER_ERROR = 300, 500


class SmallFetcher(Protocol):
    """`app.reading.fetch.Fetcher`."""

    async def fetch_small(self, url: SubmittedUrl, *, limit: int) -> SmallAnswer: ...


class Standing(StrEnum):
    RULES = "rules"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What an origin wants, for `seconds` from when it was read; `text` is "" unless there are rules."""

    standing: Standing
    seconds: int
    text: str = ""

    def rules(self) -> "RobotsRules":
        """Up to 0.1 s of processor time for a hostile file of full size: not on the event loop."""
        return RobotsRules(self.standing, Protego.parse(self.text))


@dataclass(frozen=True, slots=True)
class RobotsRules:
    standing: Standing
    parsed: Protego

    def allow(self, url: SubmittedUrl) -> bool:
        if self.standing is Standing.RULES:
            return self.parsed.can_fetch(url.as_fetched, PRODUCT_TOKEN)
        return self.standing is Standing.OPEN

    @property
    def crawl_delay_seconds(self) -> float | None:
        return self.parsed.crawl_delay(PRODUCT_TOKEN)


async def read_robots(fetcher: SmallFetcher, robots_url: SubmittedUrl) -> RobotsFile:
    """Raises ReadingError where the site cannot be reached at all: then neither can its pages."""
    try:
        answer = await fetcher.fetch_small(robots_url, limit=MAX_ROBOTS_BYTES)
    except ReadingError as error:
        if error.reason in LEFT_TO_THE_PAGE:
            return RobotsFile(Standing.OPEN, SHORTEST_SECONDS)
        if error.reason in {Reason.DNS, Reason.CONNECT, Reason.TLS}:
            raise
        return RobotsFile(Standing.CLOSED, UNREACHABLE_SECONDS)
    return _judged(answer)


def _judged(answer: SmallAnswer) -> RobotsFile:
    if answer.status >= SERVER_ERROR:
        return RobotsFile(Standing.CLOSED, UNREACHABLE_SECONDS)
    if answer.status >= NOT_OK:
        return RobotsFile(Standing.OPEN, SHORTEST_SECONDS)
    return RobotsFile(Standing.RULES, _lifetime(answer.cache_control), _decoded(answer.body))


def _decoded(body: bytes) -> str:
    """UTF-8 by the standard; what is not becomes a line that means nothing."""
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _lifetime(cache_control: str) -> int:
    found = MAX_AGE.search(cache_control)
    wanted = int(found.group(1)) if found else USUAL_SECONDS
    return min(max(wanted, SHORTEST_SECONDS), LONGEST_SECONDS)
