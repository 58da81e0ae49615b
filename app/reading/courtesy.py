"""What a fetcher asks before each request, and remembers of a page for asking again: manners, as values."""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol

from app.reading.urls import SubmittedUrl

MAX_VALIDATOR_LENGTH = 1000
LONGEST_WAIT_SECONDS = 600
ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
HTTP_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{10,40}")


class Gate(Protocol):
    """Asked before every request of a fetch, redirects included; it may wait, and it may raise."""

    async def admit(self, url: SubmittedUrl) -> None: ...

    async def told_to_wait(self, url: SubmittedUrl, seconds: int) -> None:
        """The server's own Retry-After, with a 429 or 503."""
        ...


class OpenGate:
    """Lets everything pass."""

    async def admit(self, url: SubmittedUrl) -> None:
        """At once."""

    async def told_to_wait(self, url: SubmittedUrl, seconds: int) -> None:
        """Unheard."""


@dataclass(frozen=True, slots=True)
class Validators:
    """An origin's own, as it sent them: `etag` with its quotes, `last_modified` as an HTTP date."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def received(cls, etag: str, last_modified: str) -> "Validators":
        """What is malformed counts as none: it is sent back, and kept in a database."""
        return cls(
            etag if ENTITY_TAG.fullmatch(etag) and len(etag) <= MAX_VALIDATOR_LENGTH else None,
            last_modified if HTTP_DATE.fullmatch(last_modified) else None,
        )

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """For a conditional request (RFC 9110, section 13.1); none where there is no validator."""
        named = ((b"If-None-Match", self.etag), (b"If-Modified-Since", self.last_modified))
        return [(name, value.encode()) for name, value in named if value]

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


NO_VALIDATORS = Validators()


def retry_after_seconds(header: str, *, now: float) -> int:
    """Of Retry-After (RFC 9110, section 10.2.3), at most ten minutes; 0 where absent or unreadable."""
    if header.isdecimal() and header.isascii():
        seconds = int(header[:9])
    else:
        try:
            seconds = int(parsedate_to_datetime(header).timestamp() - now)
        except (ValueError, OverflowError):
            return 0
    return max(0, min(seconds, LONGEST_WAIT_SECONDS))


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """Any status; `body` is decoded and ends where the limit was."""

    status: int
    body: bytes
    cache_control: str
