import pytest

from app.core.gcra import Bucket, LocalBuckets, Quota
from tests.core.own_valkey import ManualClock

pytestmark = pytest.mark.unit

SEVEN = Bucket("seven", Quota(7, 60))
TWO = Bucket("two", Quota(2, 60))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def buckets(clock: ManualClock) -> LocalBuckets:
    return LocalBuckets(clock=clock, capacity=4)


def test_burst_is_allowed_and_the_next_is_refused_until_an_interval_has_passed(
    buckets: LocalBuckets, clock: ManualClock
) -> None:
    assert [buckets.check([SEVEN])[0].remaining for _ in range(7)] == [6, 5, 4, 3, 2, 1, 0]
    refused = buckets.check([SEVEN])[0]
    assert not refused.allowed
    assert refused.retry_after == SEVEN.quota.interval
    clock.advance(60 / 7 + 0.001)
    assert buckets.check([SEVEN])[0].allowed
    assert not buckets.check([SEVEN])[0].allowed


def test_refused_request_costs_no_bucket_anything(buckets: LocalBuckets) -> None:
    for _ in range(2):
        buckets.check([TWO])
    two, seven = buckets.check([TWO, SEVEN])
    assert (two.allowed, seven.allowed, seven.remaining) == (False, True, 7)
    assert buckets.check([SEVEN])[0].remaining == 6


def test_full_store_forgets_the_oldest_buckets_first(buckets: LocalBuckets) -> None:
    for name in "abcde":
        buckets.check([Bucket(name, TWO.quota)])
    assert buckets.check([Bucket("a", TWO.quota)])[0].remaining == 1
    assert buckets.check([Bucket("e", TWO.quota)])[0].remaining == 0


def test_full_store_forgets_refilled_buckets_before_live_ones(
    buckets: LocalBuckets, clock: ManualClock
) -> None:
    buckets.check([Bucket("live", Quota(2, 3600))])
    for name in "abc":
        buckets.check([Bucket(name, TWO.quota)])
    clock.advance(61)
    buckets.check([Bucket("d", TWO.quota)])
    assert buckets.check([Bucket("live", Quota(2, 3600))])[0].remaining == 0


@pytest.mark.parametrize(
    ("factor", "amount"), [(1000, 5000), (1, 5), (0.5, 2), (0.01, 1)], ids=["x1000", "x1", "half", "tiny"]
)
def test_scaled_quota_is_never_below_one(factor: float, amount: int) -> None:
    assert Quota(5, 60).scaled(factor) == Quota(amount, 60)


def test_quota_beyond_one_hit_a_microsecond_still_has_an_interval() -> None:
    assert Quota(10**9, 60).interval == 1
