"""Who is at the other end: a device that got in before, by its signed cookie, or else its network."""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Self
from uuid import UUID

from app.core.derived_keys import derive_key

COOKIE_LIFETIME = timedelta(days=365)
_ID_BYTES, _TIME_BYTES, _MAC_BYTES = 16, 5, 16
# What one customer of an access provider easily has many addresses of.
_IPV4_PREFIX, _IPV6_PREFIX = 24, 64


# The tally that counts all strangers of an account together.
STRANGERS = "strangers"


@dataclass(frozen=True, slots=True)
class LoginClient:
    """`name` as in `LoginTally.client`; `device_id` None: a stranger."""

    name: str
    device_id: UUID | None = None

    @property
    def is_stranger(self) -> bool:
        return self.device_id is None

    @property
    def tallies(self) -> list[str]:
        """Those that count it, the strangers' first, as they are locked in this order."""
        return [STRANGERS, self.name] if self.is_stranger else [self.name]


class DeviceCookies:
    """base64url of device id, time of issue (big endian seconds), HMAC-SHA256[:16] over both and the user.

    It proves no identity: who holds it may only go on guessing where strangers have to stop.
    """

    def __init__(self, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    @classmethod
    def from_secret(cls, secret: str, *, clock: Callable[[], float] = time.time) -> Self:
        """`clock` gives epoch seconds."""
        return cls(derive_key(secret, purpose="device cookies"), clock=clock)

    def issue(self, user_id: UUID, device_id: UUID) -> str:
        issued = int(self._clock()).to_bytes(_TIME_BYTES, "big")
        body = device_id.bytes + issued
        return urlsafe_b64encode(body + self._mac(user_id, body)).decode().rstrip("=")

    def read(self, cookie: str | None, user_id: UUID) -> UUID | None:
        """The device, if this cookie is ours, of this user, and not a year old."""
        raw = _decode(cookie or "")
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(user_id, body)) or len(body) != _ID_BYTES + _TIME_BYTES:
            return None
        issued = int.from_bytes(body[_ID_BYTES:], "big")
        is_fresh = self._clock() - issued < COOKIE_LIFETIME.total_seconds()
        return UUID(bytes=body[:_ID_BYTES]) if is_fresh else None

    def _mac(self, user_id: UUID, body: bytes) -> bytes:
        return hmac.digest(self._key, user_id.bytes + body, sha256)[:_MAC_BYTES]


def client_of(device_id: UUID | None, address: str | None) -> LoginClient:
    if device_id is not None:
        return LoginClient(f"device:{device_id}", device_id)
    return LoginClient(f"network:{_network(address)}")


def _decode(cookie: str) -> bytes:
    try:
        return urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
    except (Base64Error, ValueError):
        return b""


def _network(address: str | None) -> str:
    if address is None:
        return "unknown"
    prefix = _IPV4_PREFIX if ip_address(address).version == 4 else _IPV6_PREFIX  # noqa: PLR2004  # IPv4
    return str(ip_network((address, prefix), strict=False))
