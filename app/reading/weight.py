"""How much work a page may cause: trafilatura is quadratic in some shapes, so effort falls with size.

Measured on 511 real pages: 1,549 "<" at the median, 6,361 at the 99th percentile, 11,323 at most. 200,000 of
`<div><p>x</p></div>` took the standard mode 136 s, and 50,000 attributes in one tag took libxml2 20 s.
"""

import re
from enum import Enum, auto

FULL_TAGS = 20_000
FAST_TAGS = 150_000
LONG_TAG = re.compile(r"<([a-zA-Z][\w:-]{0,40})[^<>]{20000,}>?")
MOST_ATTRIBUTES = 500
SPACE = re.compile(r"\s")


class Effort(Enum):
    FULL = auto()
    FAST = auto()  # without the second opinions of other extractors
    FLAT = auto()  # all text in order, no search for the main part


def effort(html: str) -> Effort:
    tags = html.count("<")
    if tags <= FULL_TAGS:
        return Effort.FULL
    return Effort.FAST if tags <= FAST_TAGS else Effort.FLAT


def tame(html: str) -> str:
    """Without NUL, where lxml would end the document, and without tags of absurdly many attributes."""
    return LONG_TAG.sub(_without_attributes, html.replace("\x00", ""))


def _without_attributes(tag: re.Match[str]) -> str:
    # A long tag with few spaces holds an image as a data URI, which is honest.
    if sum(1 for _ in SPACE.finditer(tag.group())) <= MOST_ATTRIBUTES:
        return tag.group()
    return f"<{tag.group(1)}>"
