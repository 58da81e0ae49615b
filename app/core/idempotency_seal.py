"""A kept answer at rest: AES-256-GCM under a key made of SECRET_KEY and the client's own Idempotency-Key.

What an answer shows once (an API key, an invitation's token) is repeated to whoever retries with that key,
and to nobody who has read the database: of the Idempotency-Key only a digest stands there.
"""

import hmac
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import to_json

from app.core.derived_keys import derive_key
from app.core.idempotency_store import KeyedRequest
from app.core.schemas import to_rfc3339

# Stands in a body that is sealed before it is known when: for the time at which it is kept, which
# PostgreSQL knows. No JSON has this byte.
KEPT_AT = b"\x00"
_VERSION, _DATED_VERSION = b"\x01", b"\x02"
_NONCE_BYTES = 12


class UnsealableError(Exception):
    """Sealed with another SECRET_KEY, or damaged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as its route made it; headers that middleware adds are made anew."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def at(self, kept_at: datetime) -> "Answer":
        """With that time in each KEPT_AT's place."""
        return replace(self, body=self.body.replace(KEPT_AT, to_rfc3339(kept_at).encode()))


class AnswerSeal:
    """Sealed: version (1 byte), nonce (12), ciphertext and tag, bound to the request's fingerprint.

    The plain text is one line of JSON, `[status, headers]`, and the body after it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        return cls(derive_key(secret, purpose="idempotent answers"))

    def seal(self, answer: Answer, request: KeyedRequest) -> bytes:
        version = _DATED_VERSION if KEPT_AT in answer.body else _VERSION
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = to_json([answer.status, answer.headers])
        plain = head + b"\n" + answer.body
        return version + nonce + self._cipher(request).encrypt(nonce, plain, version + request.fingerprint)

    def open(self, sealed: bytes, request: KeyedRequest, *, kept_at: datetime) -> Answer:
        """Raises UnsealableError."""
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version not in {_VERSION, _DATED_VERSION}:
            raise UnsealableError("an unknown version")
        try:
            plain = self._cipher(request).decrypt(nonce, rest, version + request.fingerprint)
        except (InvalidTag, ValueError) as error:
            raise UnsealableError(type(error).__name__) from error
        head, _, body = plain.partition(b"\n")
        status, headers = json.loads(head)
        answer = Answer(status, tuple((name, value) for name, value in headers), body)
        return answer.at(kept_at) if version == _DATED_VERSION else answer

    def _cipher(self, request: KeyedRequest) -> AESGCM:
        return AESGCM(hmac.digest(self._key, request.key.encode(), "sha256"))
