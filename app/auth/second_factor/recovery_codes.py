"""Codes for the day the authenticator is lost: each works once. Pure.

120 random bits, so that a plain SHA-256 is a safe way to keep them (ASVS 5.0, 6.5.2: from 112 bits on), and
so that changing SECRET_KEY, which makes the authenticators' secrets unreadable, leaves people a way in.
"""

import hashlib
import secrets
from base64 import b32encode

COUNT = 10
_RANDOM_BYTES = 15
_LENGTH = _RANDOM_BYTES * 8 // 5
_GROUP = 4


def new_codes() -> list[str]:
    """As `ABCD-EFGH-…`, six groups of base32."""
    return [_grouped(b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode()) for _ in range(COUNT)]


def is_recovery_code(text: str) -> bool:
    return len(_bare(text)) == _LENGTH


def digest_of(code: str) -> bytes:
    """Of a code however it is typed: case, spaces and hyphens do not count."""
    return hashlib.sha256(_bare(code).encode()).digest()


def _bare(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
