"""The ring of JWT keys on disk: next (published) -> active (signs) -> retired (verifies only).

A directory holds `keys.json`, which says who is what, `<kid>.pem` for the active and the next key, and
`<kid>.pub` for retired ones. The manifest is replaced in one step, so a crash leaves the old ring or the new
one. Without a manifest, a directory with exactly one `.pem` (a mounted secret) is a ring with one active key.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jose.backends.base import Key
from pydantic import BaseModel, ConfigDict, ValidationError

from app.core.signing_keys import (
    KeyRingError,
    PublicKey,
    SigningKey,
    generate_pem,
    parse_private_pem,
    read_private,
    read_public,
    write_atomically,
)
from app.settings import Settings

MANIFEST = "keys.json"


class NextKey(BaseModel):
    """A key that is published, so that verifiers know it before its first signature. Epoch seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kid: str
    published_at: int


class Manifest(BaseModel):
    """`keys.json`. `retired` maps a kid to the epoch second at which it stopped signing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: str
    next: NextKey | None = None
    retired: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class KeySet:
    """One consistent reading of the directory; `stamp` changes when the directory's answer would."""

    active: SigningKey
    public: Mapping[str, PublicKey]
    stamp: tuple[int, int]


@dataclass(slots=True)
class KeyRing:
    """What the process signs and verifies with. `reload_if_changed` follows a rotation without a restart.

    Without a directory the key came as a setting: it changes with a restart.
    """

    directory: Path | None
    keys: KeySet = field(repr=False)

    @classmethod
    def from_settings(cls, settings: Settings, *, create: bool) -> Self:
        """Raise KeyRingError. `create` is not for a fleet, each part of which would make a key of its own."""
        if settings.jwt_signing_key_pem is None:
            return cls.load(settings.keys_dir, create=create)
        pem = settings.jwt_signing_key_pem.get_secret_value().encode()
        active = parse_private_pem(pem, name="JWT_SIGNING_KEY_PEM")
        return cls(None, KeySet(active, {active.kid: active.public}, (0, 0)))

    @classmethod
    def load(cls, directory: Path, *, create: bool) -> Self:
        """Raise KeyRingError when a key is missing or unfit. `create` makes the first key, once."""
        if create:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_first_key(directory)
        return cls(directory, _read(directory))

    @property
    def active(self) -> SigningKey:
        return self.keys.active

    def verifier(self, kid: str) -> Key | None:
        public = self.keys.public.get(kid)
        return public.key if public else None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """RFC 7517, public members only, of the active, the next and the retired keys."""
        return {"keys": [dict(public.jwk) for public in self.keys.public.values()]}

    def reload_if_changed(self) -> bool:
        """One `stat` when nothing changed, so a running process can afford to ask every few seconds."""
        if self.directory is None or _stamp(self.directory) == self.keys.stamp:
            return False
        self.keys = _read(self.directory)
        return True


@contextmanager
def locked(directory: Path, operation: int) -> Iterator[None]:
    """Hold flock(2) on the directory itself: no lock file, so a read-only mount can be read too."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeyRingError(f"the key directory {directory} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def read_manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise KeyRingError(f"{directory} has no {MANIFEST}") from error
    except ValidationError as error:
        raise KeyRingError(f"{path} is not a key manifest") from error


def write_manifest(directory: Path, manifest: Manifest) -> None:
    write_atomically(directory / MANIFEST, manifest.model_dump_json(indent=2).encode())


def write_new_key(directory: Path) -> str:
    """Return the kid of a fresh private key that now lies in the directory, in no manifest yet."""
    pem = generate_pem()
    kid = parse_private_pem(pem, name="the new key").kid
    write_atomically(directory / f"{kid}.pem", pem)
    return kid


def _make_first_key(directory: Path) -> None:
    # Under the lock: of several processes that start at once, the first makes the key, the others find it.
    with locked(directory, fcntl.LOCK_EX):
        if not (directory / MANIFEST).exists() and not any(directory.glob("*.pem")):
            write_manifest(directory, Manifest(active=write_new_key(directory)))


def _read(directory: Path) -> KeySet:
    with locked(directory, fcntl.LOCK_SH):
        stamp = _stamp(directory)
        try:
            if (directory / MANIFEST).exists():
                return _read_managed(directory, stamp)
            return _read_mounted(directory, stamp)
        except OSError as error:
            raise KeyRingError(f"cannot read {error.filename}: {error.strerror}") from error


def _read_managed(directory: Path, stamp: tuple[int, int]) -> KeySet:
    manifest = read_manifest(directory)
    active = read_private(directory / f"{manifest.active}.pem")
    public = {manifest.active: active.public}
    if manifest.next:
        public[manifest.next.kid] = read_private(directory / f"{manifest.next.kid}.pem").public
    public |= {kid: read_public(directory / f"{kid}.pub") for kid in manifest.retired}
    for name, key in public.items():
        if key.kid != name:
            raise KeyRingError(f"{directory}: the key named {name} is {key.kid}; a kid is its thumbprint")
    return KeySet(active, public, stamp)


def _read_mounted(directory: Path, stamp: tuple[int, int]) -> KeySet:
    paths = sorted(directory.glob("*.pem"))
    if len(paths) != 1:
        raise KeyRingError(
            f"{directory} has no {MANIFEST} and {len(paths)} .pem files; "
            "it needs exactly one P-256 private key, or the directory of another instance"
        )
    active = read_private(paths[0])
    return KeySet(active, {active.kid: active.public}, stamp)


def _stamp(directory: Path) -> tuple[int, int]:
    manifest = directory / MANIFEST
    status = (manifest if manifest.exists() else directory).stat()
    return status.st_ino, status.st_mtime_ns
