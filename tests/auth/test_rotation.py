"""Which of four things a presented refresh token is."""

from datetime import UTC, datetime, timedelta

import pytest

from app.auth.rotation import Family, Presented, Verdict, hash_idempotency_key, judge

pytestmark = pytest.mark.unit

ROTATED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BEFORE, AFTER = ROTATED - timedelta(milliseconds=1), ROTATED + timedelta(seconds=5)
KEY, OTHER_KEY = hash_idempotency_key("one"), hash_idempotency_key("two")
NO_GRACE = timedelta(0)


def presented(counter: int, arrived: datetime, key: bytes | None = None) -> Presented:
    return Presented(counter, arrived, key)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (presented(6, AFTER), Verdict.UNKNOWN),
        (presented(5, AFTER), Verdict.ROTATE),
        (presented(4, BEFORE), Verdict.CONCURRENT),
        (presented(4, ROTATED), Verdict.CONCURRENT),
        (presented(4, AFTER), Verdict.REUSE),
        (presented(4, AFTER, KEY), Verdict.RETRY),
        (presented(4, AFTER, OTHER_KEY), Verdict.REUSE),
        (presented(4, ROTATED + timedelta(seconds=60), KEY), Verdict.REUSE),
        (presented(3, BEFORE, KEY), Verdict.REUSE),
    ],
)
def test_the_verdict_follows_the_counter_and_the_clock(token: Presented, verdict: Verdict) -> None:
    assert judge(token, Family(5, ROTATED, KEY), grace=NO_GRACE) is verdict


def test_a_family_that_rotated_without_a_key_knows_no_retry() -> None:
    assert judge(presented(4, AFTER, KEY), Family(5, ROTATED, None), grace=NO_GRACE) is Verdict.REUSE


def test_grace_widens_the_race_and_nothing_else() -> None:
    family, grace = Family(5, ROTATED, None), timedelta(seconds=10)
    assert judge(presented(4, AFTER), family, grace=grace) is Verdict.CONCURRENT
    assert judge(presented(3, AFTER), family, grace=grace) is Verdict.REUSE


def test_quoted_and_bare_idempotency_keys_are_the_same_key() -> None:
    assert hash_idempotency_key('"one"') == KEY
    assert hash_idempotency_key(None) is None
