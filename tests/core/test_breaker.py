import pytest

from app.core.breaker import CircuitBreaker, Permit
from tests.core.own_valkey import ManualClock

pytestmark = pytest.mark.unit


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.ask())


def test_five_failures_refuse_the_sixth_call(breaker: CircuitBreaker) -> None:
    fail(breaker, 4)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert breaker.ask() is Permit.REFUSED


def test_five_failures_without_three_in_a_row_keep_it_closed(breaker: CircuitBreaker) -> None:
    fail(breaker, 4)
    breaker.succeeded(breaker.ask())
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
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
    assert [breaker.ask(), breaker.ask()] == [Permit.PROBE, Permit.REFUSED]


def test_failed_probe_opens_it_for_another_pause(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.failed(breaker.ask())
    clock.advance(9.9)
    assert breaker.ask() is Permit.REFUSED


def test_probe_whose_caller_left_lets_another_probe(breaker: CircuitBreaker, clock: ManualClock) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.abandoned(breaker.ask())
    assert breaker.ask() is Permit.PROBE


def test_successful_probe_closes_it_and_forgets_the_failures(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker, 5)
    clock.advance(10)
    breaker.succeeded(breaker.ask())
    fail(breaker, 4)
    assert not breaker.is_open


def test_call_that_was_under_way_when_it_opened_changes_nothing(breaker: CircuitBreaker) -> None:
    early, earlier = breaker.ask(), breaker.ask()
    fail(breaker, 5)
    breaker.succeeded(early)
    breaker.failed(earlier)
    breaker.abandoned(Permit.CALL)
    assert breaker.is_open
