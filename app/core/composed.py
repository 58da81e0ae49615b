"""One spelling of what looks alike: é is one code point, or e and an accent; by keyboard, system, PDF."""

import re
import unicodedata

from pydantic import BeforeValidator

# NFC sorts the marks behind a letter, in quadratic time: 20,000 of them take half a second. Marks are neither
# letters nor ASCII; no letter of any language has as many as this.
_MANY_MARKS = re.compile(r"([^\w\x00-\x7f]{16,})")
# No field that is read so takes more, and what is refused anyway is not worth the time.
_LONGEST_FIELD = 40_000


def composed(text: str) -> str:
    """NFC (Unicode Standard Annex 15), but for runs of marks and signs that no language has."""
    if text.isascii():
        return text
    parts = _MANY_MARKS.split(text)
    # Every other part is such a run.
    parts[::2] = [unicodedata.normalize("NFC", part) for part in parts[::2]]
    return "".join(parts)


def _composed_field(value: object) -> object:
    return composed(value) if isinstance(value, str) and len(value) <= _LONGEST_FIELD else value


# Before the limits of length, which what is stored has to keep, too.
COMPOSED = BeforeValidator(_composed_field)
