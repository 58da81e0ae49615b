"""What fetches may keep together: never more than there is, and all of it again when they have ended."""

import pytest

from app.reading.allowance import Allowance

pytestmark = pytest.mark.unit


def test_shares_take_no_more_together_than_there_is() -> None:
    allowance = Allowance(10)
    with allowance.share() as one, allowance.share() as other:
        assert one.grow_to(6)
        assert not other.grow_to(5)
        assert (other.taken, allowance.left) == (0, 4)
        assert other.grow_to(4)
        assert not one.grow_to(7)
        assert (one.taken, other.taken, allowance.left) == (6, 4, 0)
    assert allowance.left == 10


def test_what_is_not_beyond_takes_nothing() -> None:
    allowance = Allowance(0)
    with allowance.share() as share:
        assert share.grow_to(-5)
        assert share.grow_to(0)
    assert allowance.left == 0


def test_what_is_given_back_is_there_for_others_and_only_once() -> None:
    allowance = Allowance(10)
    with allowance.share() as share:
        assert share.grow_to(8)
        assert share.grow_to(8)
        share.give_back()
        assert allowance.left == 10
    assert allowance.left == 10


def test_a_fetch_that_fails_gives_its_share_back() -> None:
    allowance = Allowance(10)

    def fetch() -> None:
        with allowance.share() as share:
            share.grow_to(3)
            raise OSError("reset")

    with pytest.raises(OSError, match="reset"):
        fetch()
    assert allowance.left == 10
