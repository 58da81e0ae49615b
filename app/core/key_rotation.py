"""Rotating the JWT keys: each call of `rotate` takes the one step that is due, so a daily timer is enough.

Publish a next key; 10 minutes later let it sign and retire the old one; when nothing that the old one signed
can be valid any more, forget it.
"""

import fcntl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.keyring import (
    Manifest,
    NextKey,
    locked,
    read_manifest,
    write_manifest,
    write_new_key,
)
from app.core.signing_keys import read_private, write_atomically

# Verifiers may cache /.well-known/jwks.json for 5 minutes; twice that passes before the first signature.
PUBLICATION_SECONDS = 600
# The longest life of a token (15 minutes) and a minute for clocks that disagree.
RETENTION_SECONDS = 16 * 60


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one call did. `wait_seconds` is how long until a published key may sign; 0 when it just did."""

    manifest: Manifest
    published: str | None = None
    activated: str | None = None
    dropped: tuple[str, ...] = ()
    wait_seconds: int = 0


def told(rotation: Rotation, directory: Path) -> Iterator[str]:
    """What an operator reads."""
    for kid in rotation.dropped:
        yield f"forgot {kid}: nothing that it signed is valid any more"
    if rotation.manifest.next is None:
        yield f"key {rotation.manifest.active} signs from now on"
        minutes = RETENTION_SECONDS // 60
        yield f"the former key verifies for {minutes} minutes; nobody is logged out, a later call forgets it"
        return
    verb = "published" if rotation.published else "too early: already published"
    yield f"{verb} next key {rotation.manifest.next.kid} in {directory}"
    yield f"it may sign in {rotation.wait_seconds} s, when every verifier knows it: call this again then"


def publish(manifest: Manifest, kid: str, *, now: int) -> Manifest:
    return manifest.model_copy(update={"next": NextKey(kid=kid, published_at=now)})


def activate(manifest: Manifest, following: NextKey, *, now: int) -> Manifest:
    return Manifest(active=following.kid, retired={**manifest.retired, manifest.active: now})


def drop_expired(manifest: Manifest, *, now: int) -> Manifest:
    kept = {kid: at for kid, at in manifest.retired.items() if now - at <= RETENTION_SECONDS}
    return manifest.model_copy(update={"retired": kept})


def publication_left(following: NextKey, *, now: int) -> int:
    """Seconds until the key may sign."""
    return max(0, following.published_at + PUBLICATION_SECONDS - now)


def rotate(directory: Path, *, now: int | None = None) -> Rotation:
    """Take the due step. `now` in epoch seconds. Raise KeyRingError for a directory without a manifest."""
    at = int(time.time()) if now is None else now
    with locked(directory, fcntl.LOCK_EX):
        before = read_manifest(directory)
        rotation = _step(directory, drop_expired(before, now=at), now=at)
        # The manifest decides; files it no longer names go after it, so a crash leaves a ring that reads.
        write_manifest(directory, rotation.manifest)
        return _remove_unnamed(directory, before, rotation)


def _step(directory: Path, manifest: Manifest, *, now: int) -> Rotation:
    if manifest.next is None:
        kid = write_new_key(directory)
        return Rotation(publish(manifest, kid, now=now), published=kid, wait_seconds=PUBLICATION_SECONDS)
    if left := publication_left(manifest.next, now=now):
        return Rotation(manifest, wait_seconds=left)
    retiring = read_private(directory / f"{manifest.active}.pem").public
    write_atomically(directory / f"{retiring.kid}.pub", retiring.pem)
    return Rotation(activate(manifest, manifest.next, now=now), activated=manifest.next.kid)


def _remove_unnamed(directory: Path, before: Manifest, rotation: Rotation) -> Rotation:
    if rotation.activated:
        (directory / f"{before.active}.pem").unlink()
    dropped = tuple(kid for kid in before.retired if kid not in rotation.manifest.retired)
    for kid in dropped:
        (directory / f"{kid}.pub").unlink(missing_ok=True)
    return Rotation(rotation.manifest, rotation.published, rotation.activated, dropped, rotation.wait_seconds)
