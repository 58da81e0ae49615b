"""Secrets, and what people wrote, out of what leaves the process sideways: log lines and error reports."""

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"
# Deeper than this nobody reads, and a hostile structure would exhaust the stack.
MAX_DEPTH = 12

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|authorization|cookie|api[_-]?key|token|dsn", re.IGNORECASE
)
# `api_key_id`, `token_type`, `token_count` identify or count a secret; they are none.
_HARMLESS_KEY = re.compile(r"[_-](ids?|counts?|types?|kind|prefix|url|scopes?|expires_at|at)$", re.IGNORECASE)
SECRET_VALUES = (
    re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"),  # a JWT, whole or cut
    re.compile(r"\brt1_[\w.-]+"),  # refresh token
    re.compile(r"\bprc_[a-z]+_\w+"),  # API key, feed token
    re.compile(r"\bwhsec_[\w+/=-]+"),  # webhook signing secret
    re.compile(r"(?<=/s/)[\w.~%-]{16,}"),  # a share link's name
    re.compile(r"(?<=://)[^\s/@:]*:[^\s@]*(?=@)"),  # user:password in a URL
    re.compile(r"(?<=\bbearer )\S+|(?<=\bbasic )\S+", re.IGNORECASE),
    re.compile(r"(?<=[?&])[\w-]*(?:token|key|authorization)=[^&\s]+", re.IGNORECASE),
    re.compile(r"(?<=[?&]token=)[^&\s]+|(?<=[?&]secret=)[^&\s]+|(?<=[?&]password=)[^&\s]+", re.IGNORECASE),
)
PERSONAL_VALUES = (
    re.compile(r"(?<=://)([^\s?#\"'<>]*[?#])[^\s\"'<>]*"),  # a URL's query and fragment
    re.compile(r"()[\w.+%-]+@(?:[\w-]+\.)+[\w-]+"),  # an e-mail address
    # PostgreSQL quotes the row that it refuses. SQLAlchemy's text, or the next error's, comes after it.
    re.compile(r"(\bDETAIL: ).*?(?=\n\[SQL|\n\n(?:The above|During handling)|\nTraceback|\Z)", re.DOTALL),
)
# Whatever one of the patterns above finds holds one of these, so that ids and words, which is most of what is
# logged, cost a look and not a dozen searches: for a character first, of which each of its signs has one.
# The spaces are those after "Bearer" and "Basic".
_SIGNS = (
    ("J", ("eyJ",)),
    ("_", ("rt1_", "prc_", "whsec_")),
    ("/", ("/s/", "://")),
    ("?", ("?",)),
    ("&", ("&",)),
    ("@", ("@",)),
    (" ", ("DETAIL: ", "r ", "R ", "c ", "C ")),
)
_CHARACTERS = frozenset(character for character, _ in _SIGNS)
NUMBERS = frozenset({int, float, bool, type(None)})
# Keys are words of our own code; what a library invents is not to grow the memory.
KEYS_REMEMBERED = 1024


def redact_text(text: str) -> str:
    if _CHARACTERS.isdisjoint(text) or not _has_sign(text):
        return text
    for pattern in SECRET_VALUES:
        text = pattern.sub(REDACTED, text)
    for pattern in PERSONAL_VALUES:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def _has_sign(text: str) -> bool:
    for character, signs in _SIGNS:
        if character in text:
            for sign in signs:
                if sign in text:
                    return True
    return False


@lru_cache(KEYS_REMEMBERED)
def is_secret_key(key: Hashable) -> bool:
    name = str(key)
    return _SECRET_KEY.search(name) is not None and _HARMLESS_KEY.search(name) is None


@lru_cache(KEYS_REMEMBERED)
def _holds_secret_key(keys: tuple[Hashable, ...]) -> bool:
    """Lines of one kind have the same keys each time."""
    return any(map(is_secret_key, keys))


def is_plain(event: Mapping[str, Any]) -> bool:  # Any: whatever was logged
    """True: `redact` would leave it as it is. Most lines are words, ids and numbers, seen at one look."""
    if _holds_secret_key(tuple(event)):
        return False
    texts = []
    for item in event.values():
        if type(item) is str:
            texts.append(item)
        elif type(item) not in NUMBERS:
            return False
    return not _has_sign("\n".join(texts))


def redact(value: Any, depth: int = 0) -> Any:  # Any: whatever was logged, in its own shape
    """A copy without secrets: values under a telling key, and our token forms inside any text."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    if depth >= MAX_DEPTH:
        return REDACTED if isinstance(value, dict | list | tuple) else value
    if isinstance(value, dict):
        return {
            key: REDACTED if item is not None and is_secret_key(key) else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, depth + 1) for item in value]
    return value
