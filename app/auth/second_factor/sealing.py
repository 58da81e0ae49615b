"""Secrets at rest: AES-256-GCM, so that the database alone makes nobody's codes."""

import secrets
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.derived_keys import derive_key

_VERSION = b"\x01"
_NONCE_BYTES = 12


class UnsealableError(Exception):
    """Sealed with another SECRET_KEY, for another person, or damaged."""


class SecretSeal:
    """A sealed secret is version (1 byte), nonce (12), ciphertext and tag, bound to its owner's id."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        return cls(derive_key(secret, purpose="totp"))

    def seal(self, text: str, *, owner: UUID) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), _VERSION + owner.bytes)

    def open(self, sealed: bytes, *, owner: UUID) -> str:
        """Raises UnsealableError."""
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION:
            raise UnsealableError("an unknown version")
        try:
            return self._cipher.decrypt(nonce, rest, version + owner.bytes).decode()
        except (InvalidTag, ValueError) as error:
            raise UnsealableError(type(error).__name__) from error
