"""One SECRET_KEY, many keys: a leak or misuse of one purpose's key says nothing about another's."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: str, *, purpose: str, length: int = 32) -> bytes:
    """HKDF-SHA256 (RFC 5869) with `purpose` as its info. `length` in bytes."""
    info = f"precis {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret.encode())
