"""How often one account, and all accounts together, may be tried by clients that they do not know."""

import hmac
from hashlib import sha256
from typing import Self
from uuid import UUID

from app.core.derived_keys import derive_key
from app.core.limits import AsyncLimiter, Hit, Limit, refuse_unless_allowed

# Names that nobody has are counted in lock-out's table as these, so that an attacker cannot fill it.
DECOYS = 1024


class LoginLimits:
    """By a keyed hash of the typed name: neither Redis nor who reads it learns which names were tried."""

    def __init__(self, limiter: AsyncLimiter, key: bytes) -> None:
        self._limiter = limiter
        self._key = key

    @classmethod
    def from_secret(cls, limiter: AsyncLimiter, secret: str) -> Self:
        return cls(limiter, derive_key(secret, purpose="login names"))

    async def count(self, login: str) -> None:
        """Raises RateLimitedError."""
        hits = [
            Hit(Limit.LOGIN_ACCOUNT, "logins", self._digest(login).hex()[:32]),
            Hit(Limit.LOGIN_ALL, "logins"),
        ]
        refuse_unless_allowed(await self._limiter.check(hits), hits)

    def decoy_of(self, login: str) -> UUID:
        """Always the same for a name; never a person's id, which is a UUIDv7."""
        return UUID(int=int.from_bytes(self._digest(login)[:4], "big") % DECOYS)

    def _digest(self, login: str) -> bytes:
        return hmac.digest(self._key, login.lower().encode(), sha256)
