"""How many failures lock, and for how long."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.auth.lockout.models import LoginTally
from app.auth.lockout.rules import ClientRule, LockKind, StrangersRule, forgive, is_locked

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CLIENT = ClientRule(may_fail=5, lock_for=30 * MINUTE)
STRANGERS = StrangersRule()


def tally(*, total: int = 0) -> LoginTally:
    return LoginTally(
        account_id=UUID(int=1),
        client="network:192.0.2.0/24",
        failures=total,
        window_started_at=NOON,
        total=total,
        locks=0,
        locked_until=None,
        attempted_at=NOON,
    )


def fail(rule: ClientRule | StrangersRule, row: LoginTally, *, times: int, now: datetime = NOON) -> list[str]:
    """The locks that so many failures at one moment brought about."""
    locks = [rule.count_failure(row, now) for _ in range(times)]
    return [str(lock) for lock in locks if lock]


def lock_lengths(row: LoginTally, now: datetime) -> list[timedelta]:
    """Of the locks of somebody who goes on the moment that each ends."""
    lengths = []
    while row.total < 100:
        if STRANGERS.count_failure(row, now) is LockKind.STRANGERS:
            assert row.locked_until is not None
            lengths.append(row.locked_until - now)
            now = row.locked_until
    return lengths


def test_the_fifth_failure_locks_a_client_for_half_an_hour() -> None:
    row = tally()
    assert fail(CLIENT, row, times=4) == []
    assert not is_locked(row, NOON)
    assert fail(CLIENT, row, times=1) == ["client"]
    assert is_locked(row, NOON + 30 * MINUTE - timedelta(microseconds=1))
    assert not is_locked(row, NOON + 30 * MINUTE)


def test_after_a_lock_a_client_has_all_its_tries_again() -> None:
    row = tally()
    fail(CLIENT, row, times=5)
    assert fail(CLIENT, row, times=4, now=NOON + HOUR) == []
    assert fail(CLIENT, row, times=1, now=NOON + HOUR) == ["client"]


def test_failures_of_half_an_hour_ago_do_not_lock() -> None:
    row = tally()
    fail(CLIENT, row, times=4)
    assert fail(CLIENT, row, times=4, now=NOON + 30 * MINUTE) == []


def test_a_short_lock_does_not_forget_sooner() -> None:
    row = tally()
    rule = ClientRule(may_fail=5, lock_for=MINUTE)
    fail(rule, row, times=4)
    assert fail(rule, row, times=1, now=NOON + 14 * MINUTE) == ["client"]


def test_a_client_that_never_gets_in_is_stopped_for_good_after_a_hundred() -> None:
    row = tally()
    for day in range(20):
        fail(CLIENT, row, times=5, now=NOON + timedelta(days=day))
    assert is_locked(row, NOON + timedelta(days=4000))


def test_the_fortieth_failure_of_strangers_within_a_quarter_of_an_hour_locks() -> None:
    row = tally()
    assert fail(STRANGERS, row, times=39) == []
    assert fail(STRANGERS, row, times=1, now=NOON + 14 * MINUTE) == ["strangers"]
    assert row.locked_until == NOON + 29 * MINUTE


def test_failures_of_strangers_a_quarter_of_an_hour_apart_do_not_add_up() -> None:
    row = tally()
    fail(STRANGERS, row, times=39)
    assert fail(STRANGERS, row, times=39, now=NOON + 15 * MINUTE) == []


def test_each_lock_of_strangers_is_twice_as_long_up_to_a_day() -> None:
    minutes = [length / MINUTE for length in lock_lengths(tally(), NOON)]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, *[1440] * 5]


def test_after_a_quiet_day_the_next_lock_is_short_again() -> None:
    row = tally()
    fail(STRANGERS, row, times=45)
    later = NOON + 30 * MINUTE + timedelta(hours=24)
    assert fail(STRANGERS, row, times=39, now=later) == []
    assert fail(STRANGERS, row, times=1, now=later) == ["strangers"]
    assert row.locked_until == later + 15 * MINUTE


def test_the_hundredth_failure_stops_strangers_for_good() -> None:
    row = tally(total=99)
    assert fail(STRANGERS, row, times=1) == ["hard_stop"]
    assert is_locked(row, NOON + timedelta(days=4000))


def test_a_success_takes_its_own_failures_back() -> None:
    strangers, client = tally(total=30), tally(total=4)
    forgive(strangers, client)
    assert (strangers.failures, strangers.total) == (26, 26)


def test_nothing_falls_below_zero() -> None:
    strangers, client = tally(), tally(total=4)
    forgive(strangers, client)
    assert (strangers.failures, strangers.total) == (0, 0)
