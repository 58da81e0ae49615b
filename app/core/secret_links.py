"""Links whose address is the credential: long random names, of which the database holds only the digest.

With that much entropy a plain SHA-256 is the right thing to store, as of API keys (ASVS 5.0, 6.5.2).
"""

import hashlib
import hmac
import re
import secrets
import string
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Self

from app.core.derived_keys import derive_key

NONCE_BYTES = 16
_NAME_BYTES = 24
_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)

# Log lines and error reports know a secret by its form: as API keys begin.
FEED_PREFIX = "prc_feed_"
_FEED_SHAPE = re.compile(r"prc_feed_[0-9A-Za-z]{32}", re.ASCII)
_ALPHABET = string.digits + string.ascii_letters


def digest(name: str) -> bytes:
    """SHA-256, 32 bytes: what is stored and looked up."""
    return hashlib.sha256(name.encode()).digest()


@dataclass(frozen=True, slots=True)
class ShownLinks:
    """Names that their owner may be shown again: of a stored nonce and a key outside of the database.

    192 bits, 128 of them random. After SECRET_KEY changes they go on leading where they led, but are shown no
    more: what is made of the nonce then is not what the digest is of.
    """

    key: bytes

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        return cls(derive_key(secret, purpose="share link"))

    def name(self, nonce: bytes) -> str:
        return urlsafe_b64encode(hmac.digest(self.key, nonce, "sha256")[:_NAME_BYTES]).decode()

    def shown(self, nonce: bytes, *, stored: bytes) -> str | None:
        name = self.name(nonce)
        return name if hmac.compare_digest(digest(name), stored) else None


def new_nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


def is_link_name(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None


def new_feed_token() -> str:
    """Shown once. 190 random bits."""
    return FEED_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def is_feed_token(text: str) -> bool:
    return _FEED_SHAPE.fullmatch(text) is not None
