"""What every kind of list comes to: links, each with the line that it stands on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

MAX_ROWS = 1000
# As the draft of a summary bounds them; lists are full of what their users never typed.
LONGEST_TITLE = 500
LONGEST_NOTES = 10_000
LONGEST_TAG = 50
MAX_TAGS = 20


class MalformedListError(Exception):
    """`code` and `detail` are public."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class TooManyRowsError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Link:
    """`line` counts from 1. Nothing in it has been checked but its length."""

    line: int
    url: str
    title: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None


def clipped(text: str | None, longest: int) -> str | None:
    return " ".join((text or "").split())[:longest].strip() or None


def tags_of(names: Iterable[str]) -> tuple[str, ...]:
    """Each once; the innermost folders, where there are more than a summary may have."""
    short = (clipped(name, LONGEST_TAG) for name in names)
    return tuple(dict.fromkeys(name for name in short if name))[-MAX_TAGS:]


def bounded(links: Iterator[Link]) -> list[Link]:
    """Raises TooManyRowsError, without reading on."""
    read = list(islice(links, MAX_ROWS + 1))
    if len(read) > MAX_ROWS:
        raise TooManyRowsError
    return read
