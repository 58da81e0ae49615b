"""The secret in an invitation's link. Made from the invitation's id, so that none is stored or queued."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from typing import Self
from uuid import UUID

from app.core.derived_keys import derive_key

PREFIX = "inv1_"
MAC_BYTES = 16
TOKEN_CHARACTERS = len(PREFIX) + 43


class InvitationTokens:
    """`inv1_` + base64url(id, HMAC-SHA256(id) cut to 16 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        return cls(derive_key(secret, purpose="invitation"))

    def mint(self, invitation_id: UUID) -> str:
        payload = invitation_id.bytes + self._mac(invitation_id)
        return PREFIX + urlsafe_b64encode(payload).rstrip(b"=").decode()

    def parse(self, token: str) -> UUID | None:
        """None for anything that we did not mint."""
        if len(token) != TOKEN_CHARACTERS or not token.startswith(PREFIX):
            return None
        try:
            invitation_id = UUID(bytes=urlsafe_b64decode(token.removeprefix(PREFIX) + "=")[:16])
        except (NotBase64Error, ValueError):
            return None
        # The text as a whole: base64 has several spellings of the same bytes.
        return (
            invitation_id if hmac.compare_digest(token.encode(), self.mint(invitation_id).encode()) else None
        )

    def _mac(self, invitation_id: UUID) -> bytes:
        return hmac.digest(self._key, invitation_id.bytes, "sha256")[:MAC_BYTES]
