"""What links in mails carry: fastapi-users' own JWTs (HS256, its audiences and claims), a key per purpose.

They prove that somebody reads an address. Neither opens a session, and each can be used once: a verification
dies when the address is verified or changed, a reset when the password or the address changes.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from fastapi_users.jwt import decode_jwt, generate_jwt
from fastapi_users.manager import RESET_PASSWORD_TOKEN_AUDIENCE, VERIFY_USER_TOKEN_AUDIENCE
from jwt import PyJWTError

from app.core.derived_keys import derive_key
from app.users.models import User

LIFETIME_SECONDS = 15 * 60
LIFETIME_MINUTES = LIFETIME_SECONDS // 60


class InvalidResetTokenError(Exception):
    """Malformed, forged, expired, or of another purpose."""


@dataclass(frozen=True, slots=True)
class ResetClaim:
    """`fingerprint` tells whether the account is still as it was when the token was made."""

    user_id: UUID
    fingerprint: str


@dataclass(frozen=True, slots=True)
class MailTokens:
    reset_secret: str = field(repr=False)
    verification_secret: str = field(repr=False)
    fingerprint_key: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        return cls(
            reset_secret=derive_key(secret, purpose="password reset token").hex(),
            verification_secret=derive_key(secret, purpose="e-mail verification token").hex(),
            fingerprint_key=derive_key(secret, purpose="password reset fingerprint"),
        )

    def for_verification(self, user: User) -> str:
        claims = {"sub": str(user.id), "email": user.email, "aud": VERIFY_USER_TOKEN_AUDIENCE}
        return generate_jwt(claims, self.verification_secret, LIFETIME_SECONDS)

    def for_reset(self, user: User) -> str:
        claims = {
            "sub": str(user.id),
            "password_fgpt": self._fingerprint(user),
            "aud": RESET_PASSWORD_TOKEN_AUDIENCE,
        }
        return generate_jwt(claims, self.reset_secret, LIFETIME_SECONDS)

    def read_reset(self, token: str) -> ResetClaim:
        """Raises InvalidResetTokenError."""
        try:
            claims: dict[str, Any] = decode_jwt(  # Any: JSON
                token, self.reset_secret, [RESET_PASSWORD_TOKEN_AUDIENCE]
            )
            return ResetClaim(UUID(claims["sub"]), str(claims["password_fgpt"]))
        except (PyJWTError, KeyError, ValueError) as error:
            raise InvalidResetTokenError from error

    def still_holds(self, claim: ResetClaim, user: User) -> bool:
        return hmac.compare_digest(claim.fingerprint.encode(), self._fingerprint(user).encode())

    def _fingerprint(self, user: User) -> str:
        """The library takes argon2 for this, 25 ms on the loop; a hash is random enough for a keyed digest.

        The address is part of it: a link in a mailbox that its owner has left must not open the account.
        """
        text = f"{user.hashed_password}\n{user.email}".encode()
        return hmac.new(self.fingerprint_key, text, hashlib.sha256).hexdigest()
