import pytest

from app.core.breaker import Call, CircuitBreaker
from tests.core.own_valkey import ManualClock

pytestmark = pytest.mark.unit


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(clock=clock)


def leave(breaker: CircuitBreaker) -> Call:
    call = breaker.ask()
    assert call is not None
    return call


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(leave(breaker))


def test_five_failures_refuse_the_sixth_call(breaker: CircuitBreaker) -> None:
    fail(breaker, 4)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert breaker.ask() is None


def test_five_failures_without_three_in_a_row_keep_it_closed(breaker: CircuitBreaker) -> None:
    fail(breaker, 4)
    breaker.succeeded(leave(breaker))
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open


def test_calls_that_fail_together_count_as_one_failure(breaker: CircuitBreaker, clock: ManualClock) -> None:
    calls = [leave(breaker) for _ in range(50)]
    clock.advance(0.2)
    for call in calls:
        breaker.failed(call)
    assert not breaker.is_open
    fail(breaker, 4)
    assert breaker.is_open


def test_failures_spread_over_more_than_the_window_keep_it_closed(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker, 4)
    clock.advance(10.1)
    fail(breaker, 1)
    assert not breaker.is_open


def test_after_the_pause_one_probe_goes_out_and_the_rest_are_refused(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker, 5)
    clock.advance(10)
    assert leave(breaker).is_probe
    assert breaker.ask() is None


def test_failed_probe_opens_it_for_another_pause(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.failed(leave(breaker))
    clock.advance(9.9)
    assert breaker.ask() is None


def test_probe_whose_caller_left_lets_another_probe(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.abandoned(leave(breaker))
    assert leave(breaker).is_probe


def test_successful_probe_closes_it_and_forgets_the_failures(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.succeeded(leave(breaker))
    fail(breaker, 4)
    assert not breaker.is_open


def test_call_that_was_under_way_when_it_opened_changes_nothing(breaker: CircuitBreaker) -> None:
    early, earlier = leave(breaker), leave(breaker)
    fail(breaker, 5)
    breaker.succeeded(early)
    breaker.failed(earlier)
    breaker.abandoned(early)
    assert breaker.is_open
