"""Refresh tokens: `rt1_` and base64url of session id | counter | pepper id | MAC | CRC32.

Their sizes are 16 bytes, 1 to 5 (LEB128), 1, 16 and 4. A token follows from its session and counter, so
nothing secret is stored, a current token can be issued again to concurrent callers, and garbage is refused
without a query. The CRC32 lets secret scanners tell a real token from a look-alike without our pepper.
"""

import hmac
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self
from uuid import UUID

from app.core.derived_keys import derive_key
from app.core.errors import ProblemError

PREFIX = "rt1_"
# A PostgreSQL int: at one refresh a second a session would need 68 years to get there.
MAX_COUNTER = 2**31 - 1

# 38 to 42 bytes; no number of bytes has 53 base64 characters.
PATTERN = r"rt1_(?:[A-Za-z0-9_-]{51,52}|[A-Za-z0-9_-]{54,56})"
_SHAPE = re.compile(PATTERN, re.ASCII)
_SESSION_BYTES = 16
_MAC_BYTES = 16
_TRAILER_BYTES = 1 + _MAC_BYTES + 4
_VARINT_BITS = 7
_VARINT_MORE = 0x80


class InvalidRefreshTokenError(ProblemError):
    code = "invalid_refresh_token"
    status = 401
    title = "The refresh token is not valid"
    meaning = "The refresh token is malformed, expired, or its session has ended."
    hint = "Log in again at POST /api/v1/auth/token."
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """The `counter`-th token of a session. Whether it is the current one, only the session's row says."""

    session_id: UUID
    counter: int


class RefreshTokens:
    """Mint and read refresh tokens. New ones use pepper `current`; the others stay readable until removed."""

    def __init__(self, peppers: Mapping[int, bytes], *, current: int) -> None:
        if current not in peppers or not all(0 <= pepper_id <= 0xFF for pepper_id in peppers):  # noqa: PLR2004  # one byte
            raise ValueError("pepper ids are 0 to 255, and the current one is among them")
        self._peppers = dict(peppers)
        self._current = current

    @classmethod
    def from_secret(cls, secret_key: str) -> Self:
        return cls({1: derive_key(secret_key, purpose="refresh token pepper 1")}, current=1)

    def mint(self, session_id: UUID, *, counter: int) -> str:
        """Return the same token for the same session and counter, always."""
        return self._encode(RefreshClaim(session_id, counter), pepper_id=self._current)

    def parse(self, token: str) -> RefreshClaim:
        """Raise InvalidRefreshTokenError unless the token is, character by character, one we minted."""
        if not _SHAPE.fullmatch(token):
            raise InvalidRefreshTokenError(internal="refresh token refused: shape")
        encoded = token.removeprefix(PREFIX)
        raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        pepper_id = raw[-_TRAILER_BYTES]
        if pepper_id not in self._peppers:
            raise InvalidRefreshTokenError(internal="refresh token refused: unknown pepper")
        claim = RefreshClaim(UUID(bytes=raw[:_SESSION_BYTES]), _varint(raw[_SESSION_BYTES:-_TRAILER_BYTES]))
        # Minting it anew checks MAC, CRC32, varint form and unused base64 bits at once.
        expected = self._encode(claim, pepper_id=pepper_id)
        if not hmac.compare_digest(expected, token):
            raise InvalidRefreshTokenError(internal="refresh token refused: MAC")
        return claim

    def _encode(self, claim: RefreshClaim, *, pepper_id: int) -> str:
        body = claim.session_id.bytes + _to_varint(claim.counter) + bytes([pepper_id])
        mac = hmac.digest(self._peppers[pepper_id], PREFIX.encode() + body, "sha256")[:_MAC_BYTES]
        signed = body + mac
        raw = signed + zlib.crc32(signed).to_bytes(4, "big")
        return PREFIX + urlsafe_b64encode(raw).rstrip(b"=").decode()


def _to_varint(value: int) -> bytes:
    """LEB128, at most 5 bytes."""
    if not 0 <= value <= MAX_COUNTER:
        raise ValueError(f"a refresh counter is 0 to {MAX_COUNTER}, not {value}")
    encoded = bytearray()
    while value >= _VARINT_MORE:
        encoded.append(value & 0x7F | _VARINT_MORE)
        value >>= _VARINT_BITS
    return bytes([*encoded, value])


def _varint(encoded: bytes) -> int:
    """Read any bytes as a number up to MAX_COUNTER; the caller compares what they should have been."""
    value = 0
    for position, byte in enumerate(encoded):
        value |= (byte & 0x7F) << (_VARINT_BITS * position)
    return value & MAX_COUNTER
