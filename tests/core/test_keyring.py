"""The key ring refuses unfit keys, is made once, and rotates without a moment in which a token is unknown."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app.core.key_rotation import PUBLICATION_SECONDS, RETENTION_SECONDS, rotate
from app.core.keyring import KeyRing
from app.core.signing_keys import KeyRingError, generate_pem, parse_private_pem, read_private, read_public
from app.settings import Settings

pytestmark = pytest.mark.unit

# RFC 7517 A.2: the private half is printed in the standard.
RFC_7517_D = 0xF3BD0C07A81FB932781ED52752F60CC89A6BE5E51934FE01938DDB55D8F77801


def pem_of(
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def first_kid(directory: Path) -> str:
    return KeyRing.load(directory, create=True).active.kid


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"not a key", "not an unencrypted PEM"),
        (
            pem_of(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
            "not an unencrypted",
        ),
        (pem_of(ec.generate_private_key(ec.SECP224R1())), "P-256"),
        (pem_of(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (pem_of(rsa.generate_private_key(65537, 2048)), "P-256"),
        (pem_of(ec.derive_private_key(RFC_7517_D, ec.SECP256R1())), "published"),
    ],
    ids=["garbage", "encrypted", "P-224", "P-384", "RSA", "an RFC's example"],
)
def test_unfit_private_key_is_refused(pem: bytes, reason: str) -> None:
    with pytest.raises(KeyRingError, match=reason):
        parse_private_pem(pem, name="key.pem")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o777])
def test_private_key_open_to_the_world_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(generate_pem())
    path.chmod(mode)
    with pytest.raises(KeyRingError, match="chmod 600"):
        read_private(path)


@pytest.mark.parametrize("curve", [None, ec.SECP384R1()])
def test_unfit_public_key_is_refused(tmp_path: Path, curve: ec.EllipticCurve | None) -> None:
    path = tmp_path / "key.pub"
    key = ec.generate_private_key(curve).public_key() if curve else None
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) if key else b"no")
    with pytest.raises(KeyRingError, match=r"key\.pub"):
        read_public(path)


def test_a_key_given_as_a_setting_is_the_ring(tmp_path: Path) -> None:
    settings = Settings(jwt_signing_key_pem=generate_pem().decode(), jwt_keys_dir=tmp_path / "unused")
    ring = KeyRing.from_settings(settings, create=True)
    assert [key["kid"] for key in ring.jwks()["keys"]] == [ring.active.kid]
    assert not ring.reload_if_changed()
    assert not (tmp_path / "unused").exists()


def test_an_unfit_key_given_as_a_setting_is_refused_by_its_name() -> None:
    with pytest.raises(KeyRingError, match="JWT_SIGNING_KEY_PEM is not"):
        KeyRing.from_settings(Settings(jwt_signing_key_pem="not a key"), create=True)


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="absent"):
        KeyRing.load(tmp_path / "absent", create=False)


def test_empty_directory_is_named_and_not_filled(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match=str(tmp_path)):
        KeyRing.load(tmp_path, create=False)
    assert not any(tmp_path.iterdir())


def test_directory_with_two_keys_and_no_manifest_is_refused(tmp_path: Path) -> None:
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_bytes(generate_pem())
        (tmp_path / name).chmod(0o600)
    with pytest.raises(KeyRingError, match=r"2 \.pem files"):
        KeyRing.load(tmp_path, create=True)


def test_broken_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"active": 1}')
    with pytest.raises(KeyRingError, match="not a key manifest"):
        KeyRing.load(tmp_path, create=True)


def test_manifest_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{first_kid(tmp_path)}.pem").unlink()
    with pytest.raises(KeyRingError, match="cannot read"):
        KeyRing.load(tmp_path, create=True)


def test_key_under_another_keys_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{first_kid(tmp_path)}.pem"
    path.write_bytes(generate_pem())
    with pytest.raises(KeyRingError, match="a kid is its thumbprint"):
        KeyRing.load(tmp_path, create=False)


def test_first_start_makes_a_private_key_for_the_owner_alone(tmp_path: Path) -> None:
    kid = first_kid(tmp_path / "keys")
    assert (tmp_path / "keys" / f"{kid}.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert first_kid(tmp_path / "keys") == kid


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        kids = set(pool.map(first_kid, [tmp_path / "keys"] * 3))
    assert len(kids) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def test_mounted_single_key_signs_under_its_thumbprint(tmp_path: Path) -> None:
    (tmp_path / "jwt.pem").write_bytes(generate_pem())
    (tmp_path / "jwt.pem").chmod(0o600)
    ring = KeyRing.load(tmp_path, create=False)
    assert ring.active.kid == read_private(tmp_path / "jwt.pem").kid
    with pytest.raises(KeyRingError, match=r"no keys\.json"):
        rotate(tmp_path)


def test_jwks_shows_public_members_only(tmp_path: Path) -> None:
    rotate_through(tmp_path)
    published = KeyRing.load(tmp_path, create=False).jwks()["keys"]
    assert len(published) == 3
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in published)


def rotate_through(directory: Path) -> None:
    """Leave the ring with an active, a next and a retired key."""
    first_kid(directory)
    rotate(directory, now=0)
    rotate(directory, now=PUBLICATION_SECONDS)
    rotate(directory, now=PUBLICATION_SECONDS + 1)


def test_next_key_is_published_long_before_it_signs(tmp_path: Path) -> None:
    old = first_kid(tmp_path)
    published = rotate(tmp_path, now=1000)
    early = rotate(tmp_path, now=1000 + PUBLICATION_SECONDS - 1)
    assert published.published
    assert early.wait_seconds == 1
    ring = KeyRing.load(tmp_path, create=False)
    assert ring.active.kid == old
    assert ring.verifier(published.published)


def test_rotated_key_verifies_and_leaves_no_private_half(tmp_path: Path) -> None:
    old = first_kid(tmp_path)
    new = rotate(tmp_path, now=1000).published
    assert rotate(tmp_path, now=1000 + PUBLICATION_SECONDS).activated == new
    ring = KeyRing.load(tmp_path, create=False)
    assert ring.active.kid == new
    assert ring.verifier(old)
    assert [path.stem for path in tmp_path.glob("*.pem")] == [new]


def test_retired_key_is_forgotten_once_nothing_it_signed_can_live(tmp_path: Path) -> None:
    old = first_kid(tmp_path)
    rotate(tmp_path, now=0)
    rotate(tmp_path, now=PUBLICATION_SECONDS)
    end = PUBLICATION_SECONDS + RETENTION_SECONDS
    assert rotate(tmp_path, now=end).dropped == ()
    assert rotate(tmp_path, now=end + 1).dropped == (old,)
    assert KeyRing.load(tmp_path, create=False).verifier(old) is None
    assert not list(tmp_path.glob("*.pub"))


def test_rotation_uses_the_wall_clock_unless_told(tmp_path: Path) -> None:
    first_kid(tmp_path)
    rotate(tmp_path)
    assert json.loads((tmp_path / "keys.json").read_text())["next"]["published_at"] > 1_700_000_000


def test_running_process_follows_a_rotation(tmp_path: Path) -> None:
    ring = KeyRing.load(tmp_path, create=True)
    assert not ring.reload_if_changed()
    new = rotate(tmp_path, now=1000).published
    assert ring.reload_if_changed()
    assert new
    assert ring.verifier(new)
