"""API keys: `prc_live_`, 30 random base62 characters (178 bits), and 6 of their CRC32 in base62.

The prefix and checksum let secret scanners find leaked keys, and let us refuse typing errors without a query.
With that much entropy a plain SHA-256 is the right thing to store (ASVS 5.0, 6.5.2): nothing can be guessed.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "prc_live_"
# Published, for secret scanners.
PATTERN = r"prc_live_[0-9A-Za-z]{36}"
SHOWN_CHARACTERS = 12

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 30
_CHECKSUM_CHARACTERS = 6
_SHAPE = re.compile(PATTERN, re.ASCII)


def generate_api_key() -> str:
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Tell a key from garbage and from a typing error. Whether it exists, only its digest's row says."""
    if not _SHAPE.fullmatch(key):
        return False
    return key[-_CHECKSUM_CHARACTERS:] == _checksum(key[:-_CHECKSUM_CHARACTERS])


def digest(key: str) -> bytes:
    """SHA-256, 32 bytes: what is stored and looked up."""
    return hashlib.sha256(key.encode()).digest()


def prefix(key: str) -> str:
    """Return the first 12 characters: enough for an owner to tell keys apart, useless to anyone else."""
    return key[:SHOWN_CHARACTERS]


def _checksum(body: str) -> str:
    remaining = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECKSUM_CHARACTERS):
        remaining, digit = divmod(remaining, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
