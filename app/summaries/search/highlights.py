"""Why something was found: a piece of its text as it is, and where in it the matching words stand.

Plain text with offsets, never markup: what a page wrote cannot become a tag of the reader's.
"""

import re
from dataclasses import dataclass

# What the database puts around matches, and between letters of languages that write no spaces. None of the
# three can come from a summary: the database replaces them there.
START, STOP, SEAM = "\x02", "\x03", "\x1f"
_SELECTORS = f'StartSel="{START}", StopSel="{STOP}"'
WHOLE = f"{_SELECTORS}, HighlightAll=true"
PIECES = f'{_SELECTORS}, MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
_ADJOINING = re.compile(f"{STOP}{SEAM}+{START}")


@dataclass(frozen=True, slots=True)
class Range:
    """In code points; the end is the first behind it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Highlight:
    field: str
    text: str
    ranges: tuple[Range, ...]


def read_marks(field: str, marked: str | None) -> Highlight | None:
    """None where nothing in it matched."""
    if marked is None or START not in marked:
        return None
    joined = _ADJOINING.sub("", marked).replace(SEAM, "")
    return _placed(field, joined)


def _placed(field: str, marked: str) -> Highlight:
    text, *pieces = marked.split(START)
    ranges = []
    for piece in pieces:
        matching, _, rest = piece.partition(STOP)
        ranges.append(Range(len(text), len(text) + len(matching)))
        text += matching + rest
    return Highlight(field, text, tuple(ranges))
