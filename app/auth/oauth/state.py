"""`state`, PKCE verifier and nonce of one attempt, without a row: all follow from the browser's cookie.

The MAC is taken over the cookie's secret too, so a state is worthless in any other browser (RFC 9700, 4.7);
verifier and nonce are derived from both, so neither has to be kept, nor can be learned from the state.
"""

import hmac
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from uuid import UUID, uuid4

from app.auth.oauth.errors import OAuthStateError
from app.core.derived_keys import derive_key

Mode = Literal["token", "cookie", "link"]

LIFETIME_SECONDS = 600

_MAC_BYTES = 32
_MAX_STATE_CHARACTERS = 1000
_STATE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LinkingSession:
    """Whose account a provider is to be linked to, and the session that asked for it."""

    session_id: UUID
    organization_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Attempt:
    """`expires_at` in epoch seconds; `linking` in mode link, and only there.

    `proved` is whom the provider has vouched for, where only the second factor is still missing.
    """

    id: UUID
    provider: str
    mode: Mode
    expires_at: int
    linking: LinkingSession | None = None
    proved: UUID | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the provider is told (`challenge`, `nonce`) and what proves later that it was us (`verifier`)."""

    verifier: str
    nonce: str

    @property
    def challenge(self) -> str:
        """S256 (RFC 7636, 4.2)."""
        return _encode(sha256(self.verifier.encode()).digest())


@dataclass(frozen=True, slots=True)
class Begun:
    """`browser` is the cookie's value."""

    state: str
    browser: str
    secrets: Secrets


class StateCodec:
    def __init__(self, secret_key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = derive_key(secret_key, purpose="oauth state")
        self._clock = clock

    def begin(
        self,
        provider: str,
        mode: Mode,
        *,
        linking: LinkingSession | None = None,
        proved: UUID | None = None,
    ) -> Begun:
        expires_at = int(self._clock()) + LIFETIME_SECONDS
        payload = _dump(Attempt(uuid4(), provider, mode, expires_at, linking, proved))
        browser = secrets.token_urlsafe(32)
        return Begun(self._sign(payload, browser), browser, self._secrets(payload, browser))

    def read(self, state: str, *, browser: str, provider: str) -> tuple[Attempt, Secrets]:
        """Raises OAuthStateError unless this browser began it, for this provider, in the last 10 minutes."""
        payload = _payload_of(state)
        if not _BROWSER.fullmatch(browser):
            raise OAuthStateError(internal="state refused: no cookie")
        if not hmac.compare_digest(state, self._sign(payload, browser)):
            raise OAuthStateError(internal="state refused: MAC")
        attempt = _load(payload)
        if attempt.provider != provider or attempt.expires_at <= self._clock():
            raise OAuthStateError(internal="state refused: expired, or of another provider")
        return attempt, self._secrets(payload, browser)

    def _sign(self, payload: bytes, browser: str) -> str:
        return _encode(self._mac("state", payload, browser) + payload)

    def _secrets(self, payload: bytes, browser: str) -> Secrets:
        verifier, nonce = (_encode(self._mac(use, payload, browser)) for use in ("verifier", "nonce"))
        return Secrets(verifier, nonce)

    def _mac(self, use: str, payload: bytes, browser: str) -> bytes:
        return hmac.digest(self._key, f"{use} {browser} ".encode() + payload, "sha256")


def _payload_of(state: str) -> bytes:
    if len(state) > _MAX_STATE_CHARACTERS or not _STATE.fullmatch(state) or len(state) % 4 == 1:
        raise OAuthStateError(internal="state refused: shape")
    return urlsafe_b64decode(state + "=" * (-len(state) % 4))[_MAC_BYTES:]


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _dump(attempt: Attempt) -> bytes:
    linking = attempt.linking
    ids = [linking.session_id.hex, linking.organization_id.hex, linking.user_id.hex] if linking else []
    proved = attempt.proved.hex if attempt.proved else ""
    fields = [attempt.id.hex, attempt.provider, attempt.mode, attempt.expires_at, ids, proved]
    return json.dumps(fields, separators=(",", ":")).encode()


def _load(payload: bytes) -> Attempt:
    """Only of what we signed."""
    attempt_id, provider, mode, expires_at, ids, proved = json.loads(payload)
    linking = LinkingSession(*(UUID(text) for text in ids)) if ids else None
    return Attempt(UUID(attempt_id), provider, mode, expires_at, linking, UUID(proved) if proved else None)
