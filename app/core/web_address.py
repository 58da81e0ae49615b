"""Which addresses may become a link: those that lead to the web, and nothing that a browser would run."""

import re

# Nor what turns the writing's direction around, behind which an address can hide, nor what no XML document
# may hold (XML 1.0, section 2.2): no reader would open a feed with one such address.
_WEB = re.compile(
    r"https?://[^\s\x00-\x1f\x7f<>\"\\^`{|}\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+",
    re.IGNORECASE,
)


def web_address(url: str | None) -> str | None:
    """The address itself, or None where it must not be linked to."""
    return url if url is not None and _WEB.fullmatch(url) else None
