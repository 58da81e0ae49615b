import pytest

from app.auth.second_factor.sealing import SecretSeal, UnsealableError
from app.core.ids import new_id

pytestmark = pytest.mark.unit

SEAL = SecretSeal.from_secret("one secret")
OWNER = new_id()
SEALED = SEAL.seal("JBSWY3DP", owner=OWNER)


@pytest.mark.parametrize(
    "sealed",
    [b"", SEALED[:5], SEALED[:-1], SEALED[:-1] + bytes([SEALED[-1] ^ 1]), b"\x02" + SEALED[1:]],
    ids=["empty", "short", "cut", "changed", "version"],
)
def test_what_was_changed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(UnsealableError):
        SEAL.open(sealed, owner=OWNER)


def test_nobody_elses_secret_opens() -> None:
    with pytest.raises(UnsealableError):
        SEAL.open(SEALED, owner=new_id())


def test_another_secret_key_does_not_open() -> None:
    with pytest.raises(UnsealableError):
        SecretSeal.from_secret("another secret").open(SEALED, owner=OWNER)


def test_a_secret_comes_back_and_is_sealed_differently_each_time() -> None:
    assert SEAL.open(SEALED, owner=OWNER) == "JBSWY3DP"
    assert SEAL.seal("JBSWY3DP", owner=OWNER) != SEALED
    assert b"JBSWY3DP" not in SEALED
