"""Access tokens as an attacker would write them: any header, any claims, and a signature if he has a key."""

import base64
import json
from typing import Any
from uuid import UUID

from app.core.keyring import KeyRing
from app.core.tokens import AccessGrant, AccessTokens

GRANT = AccessGrant(
    sub=UUID(int=1),
    org=UUID(int=2),
    sid=UUID(int=3),
    scopes=frozenset({"summaries:write", "summaries:read"}),
    role="owner",
    ver=4,
)
INFINITY = float("inf")
MISSING = object()


class Forge:
    """An attacker who holds our signing key, or any other means, and writes what he likes."""

    def __init__(self, ring: KeyRing, tokens: AccessTokens, grant: AccessGrant = GRANT) -> None:
        self.ring = ring
        self.genuine = tokens.issue(grant).token
        header, payload, self.signature = self.genuine.split(".")
        self.header: dict[str, Any] = json.loads(unpack(header))  # Any: JSON
        self.payload: dict[str, Any] = json.loads(unpack(payload))  # Any: JSON

    def sign(self, header: bytes, payload: bytes) -> str:
        signed = f"{pack(header)}.{pack(payload)}"
        return f"{signed}.{pack(self.ring.active.key.sign(signed.encode()))}"

    def with_header(self, **changes: object) -> str:
        return self.sign(dump(self.header | changes), dump(self.payload))

    def with_claims(self, **changes: object) -> str:
        return self.sign(dump(self.header), dump(self.payload | changes))


def dump(members: dict[str, Any]) -> bytes:  # Any: JSON
    return json.dumps({name: value for name, value in members.items() if value is not MISSING}).encode()


def pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpack(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "==")
