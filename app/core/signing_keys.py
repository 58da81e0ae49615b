"""ES256 signing keys: make, read, publish. A key's id is its RFC 7638 thumbprint, so none is misnamed."""

import base64
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jose import jwk
from jose.backends.base import Key

ALGORITHM = "ES256"

# Their private halves are in print, so anyone could sign with them.
PUBLISHED_THUMBPRINTS = frozenset(
    {
        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",  # RFC 7515 A.3
        "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",  # RFC 7517 A.2
        "19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8",  # jwt.io's ES256 example
    }
)


class KeyRingError(Exception):
    """The signing keys cannot be used; the text names the file or directory and says what to do."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verifying key, parsed once: parsing PEM on every request would triple its cost."""

    kid: str
    jwk: dict[str, str]
    key: Key
    pem: bytes

    @classmethod
    def of(cls, public: EllipticCurvePublicKey) -> Self:
        members = _public_members(public)
        kid = _thumbprint(members)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        published = {**members, "kid": kid, "use": "sig", "alg": ALGORITHM}
        return cls(kid=kid, jwk=published, key=jwk.construct(pem, ALGORITHM), pem=pem)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, parsed once, with its public half."""

    public: PublicKey
    key: Key

    @property
    def kid(self) -> str:
        return self.public.kid

    @classmethod
    def of(cls, private: EllipticCurvePrivateKey) -> Self:
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(public=PublicKey.of(private.public_key()), key=jwk.construct(pem, ALGORITHM))


def generate_pem() -> bytes:
    """Return a fresh P-256 private key as unencrypted PKCS 8 PEM."""
    private = generate_private_key(SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def parse_private_pem(pem: bytes, *, name: str) -> SigningKey:
    """Raise KeyRingError, with `name` in its text, for anything but an unencrypted, unpublished P-256 key."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise KeyRingError(f"{name} is not an unencrypted PEM private key") from error
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise KeyRingError(f"{name} must be an EC key on P-256 (ES256), as `precis keys rotate` makes them")
    key = SigningKey.of(private)
    if key.kid in PUBLISHED_THUMBPRINTS:
        raise KeyRingError(f"{name} is an example key whose private half is published; generate your own")
    return key


def read_private(path: Path) -> SigningKey:
    pem = path.read_bytes()
    if path.stat().st_mode & stat.S_IRWXO:
        raise KeyRingError(f"{path} can be reached by every user of the machine; run: chmod 600 {path}")
    return parse_private_pem(pem, name=str(path))


def read_public(path: Path) -> PublicKey:
    try:
        public = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise KeyRingError(f"{path} is not a PEM public key") from error
    if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
        raise KeyRingError(f"{path} must be an EC key on P-256 (ES256)")
    return PublicKey.of(public)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Leave either the old file or the whole new one, also after a power cut; never readable by others."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def _public_members(public: EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}


def _coordinate(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()


def _thumbprint(members: dict[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
