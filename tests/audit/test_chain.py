"""What is hashed and signed: no two different rows look alike to it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.chain import NOTHING_BEFORE, PLATFORM, AuditKey, Checkpoint, Entry, Fields, Seal, entry_hash

pytestmark = pytest.mark.unit

SECRET = "a secret of forty characters for tests.."
KEY = AuditKey.from_secret(SECRET)
CHAIN, ID = UUID(int=1), UUID(int=2)
FIELDS = st.lists(st.none() | st.text(max_size=3), min_size=2, max_size=2)


def digest(fields: Fields, *, chain: UUID = CHAIN, seq: int = 1) -> bytes:
    return entry_hash(chain, seq, fields, after=NOTHING_BEFORE)


@given(FIELDS, FIELDS)
def test_different_fields_have_different_hashes(one: Fields, other: Fields) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_nothing_is_not_the_empty_text() -> None:
    assert digest([None]) != digest([""])


def test_text_does_not_move_over_a_fields_border() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])


def test_the_place_is_part_of_the_hash() -> None:
    hashes = {digest(["a"]), digest(["a"], seq=2), digest(["a"], chain=PLATFORM)}
    assert len(hashes) == 3
    assert entry_hash(CHAIN, 1, ["a"], after=bytes([1] * 32)) not in hashes


def test_the_form_is_what_it_was_when_the_first_entries_were_sealed() -> None:
    """Whoever changes it makes every log that exists look forged."""
    assert digest(["a", None, ""]).hex() == (
        "5442789465fddc60f4e1ccddfbb2e99548de84c7ec66f7fa94117e965e97d870"
    )


def test_a_seal_a_head_and_a_checkpoint_of_one_row_do_not_pass_for_each_other() -> None:
    seal = KEY.seal(Entry(CHAIN, ID, ["a"]), seq=1, after=NOTHING_BEFORE)
    head = KEY.head(CHAIN, seq=1, digest=seal.hash, checkpointed=0)
    point = KEY.checkpoint(CHAIN, seq=1, digest=seal.hash, previous=0)
    assert len({seal.mac, head.mac, point.mac}) == 3
    assert KEY.signed_seal(seal)
    assert KEY.signed_head(head)
    assert KEY.signed_checkpoint(point)


def test_another_key_signed_nothing() -> None:
    other = AuditKey.from_secret("another secret of forty characters......")
    seal = KEY.seal(Entry(CHAIN, ID, ["a"]), seq=1, after=NOTHING_BEFORE)
    assert not other.signed_seal(seal)
    assert not other.signed_head(KEY.head(CHAIN, seq=1, digest=seal.hash, checkpointed=0))
    assert not other.signed_checkpoint(KEY.checkpoint(CHAIN, seq=1, digest=seal.hash, previous=0))


@pytest.mark.parametrize("mac", [b"", b"\x00" * 32, b"x"])
def test_a_mac_of_any_shape_is_only_refused(mac: bytes) -> None:
    assert not KEY.signed_seal(Seal(CHAIN, 1, ID, NOTHING_BEFORE, bytes(32), mac))
    assert not KEY.signed_checkpoint(Checkpoint(CHAIN, 1, 0, bytes(32), mac))


def test_what_a_former_key_signed_counts_and_new_rows_are_not_signed_by_it() -> None:
    seal = KEY.seal(Entry(CHAIN, ID, ["a"]), seq=1, after=NOTHING_BEFORE)
    later = AuditKey.from_secret("another secret of forty characters......", former=[SECRET])
    assert later.signed_seal(seal)
    assert not KEY.signed_seal(later.seal(Entry(CHAIN, ID, ["a"]), seq=1, after=NOTHING_BEFORE))
