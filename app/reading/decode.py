"""Bytes to text: what the page declares, unless the bytes prove otherwise."""

import re

from trafilatura.utils import detect_encoding
from w3lib.encoding import html_to_unicode

SAMPLED_BYTES = 64 * 1024
# PostgreSQL refuses U+0000, UTF-8 refuses lone surrogates, and readers refuse the other controls.
UNWANTED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
REPLACEMENT = "\ufffd"


def decode(body: bytes, charset: str) -> str:
    """`charset` is the HTTP header's. Order: proven UTF-8, byte order mark, header, meta tag, guess."""
    proven = _proven_utf8(body)
    if proven is not None:
        return proven
    declared = _by_declaration(body, charset)
    if charset and REPLACEMENT in declared:
        # The header contradicts the bytes: hear what the page itself says.
        undeclared = _by_declaration(body, "")
        return min(declared, undeclared, key=lambda text: text.count(REPLACEMENT))
    return declared


def clean(text: str) -> str:
    """Only what can be stored and shown, every line ended by one newline."""
    return UNWANTED.sub("", LINE_ENDS.sub("\n", text)).strip()


def _proven_utf8(body: bytes) -> str | None:
    """Text in another encoding is hardly ever valid UTF-8, while servers often declare Latin-1 blindly."""
    if body.isascii():
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _by_declaration(body: bytes, charset: str) -> str:
    header = f"text/html; charset={charset}" if charset else None
    return html_to_unicode(header, body, default_encoding="cp1252", auto_detect_fun=_guess)[1]


def _guess(body: bytes) -> str | None:
    guesses = detect_encoding(body[:SAMPLED_BYTES])
    return next(iter(guesses), None)
