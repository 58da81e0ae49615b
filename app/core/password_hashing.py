"""How passwords are hashed: argon2id at OWASP's floor, and bcrypt, of former days, for reading only."""

from typing import Any

import bcrypt
from passlib.context import CryptContext
from passlib.utils import handlers
from typing_extensions import override

# bcrypt never looked further; since bcrypt 5 longer input is an error instead.
_BCRYPT_BYTES = 72


class LegacyBcrypt(handlers.StaticHandler):
    """Verify `$2a$`, `$2b$` and `$2y$` hashes. passlib's own handler fails its self-test with bcrypt 5."""

    name = "bcrypt"

    @classmethod
    @override
    def identify(cls, hash: str | bytes) -> bool:
        return hash[:4] in {"$2a$", "$2b$", "$2y$"}

    @classmethod
    @override
    def verify(cls, secret: str | bytes, hash: str | bytes, **context: Any) -> bool:  # Any: passlib's
        return bcrypt.checkpw(_encoded(secret)[:_BCRYPT_BYTES], _encoded(hash))


def make_context() -> CryptContext:
    """Hash with argon2id m=19 MiB t=2 p=1, about 25 ms; bcrypt verifies and asks to be replaced."""
    return CryptContext(
        ["argon2", LegacyBcrypt],
        deprecated=["bcrypt"],
        argon2__type="ID",
        argon2__memory_cost=19456,  # KiB
        argon2__time_cost=2,
        argon2__parallelism=1,
    )


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
