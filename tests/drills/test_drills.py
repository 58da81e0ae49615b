"""Faults that pass in seconds, on one running service; the others by hand: `python -m tests.drills`."""

from collections.abc import Iterator

import pytest

from tests.drills.catalogue import FAULTS
from tests.drills.drill import run
from tests.drills.stand import Stand, standing

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.alone,
    # Connections that a drill broke are collected whenever the collector comes by.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# The worker's death is in tests/worker/test_killed.py, the reader's in tests/reading/test_sandbox.py.
QUICK = (
    "valkey-full",
    "valkey-hung",
    "slow-clients",
    "postgres-cut",
    "postgres-failover",
)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with standing() as stand:
        yield stand


@pytest.mark.parametrize("name", QUICK)
def test_users_are_told_when_to_come_back_and_nothing_that_was_accepted_is_lost(
    stand: Stand, name: str
) -> None:
    fault = FAULTS[name]
    if reason := fault.needs(stand):
        pytest.skip(reason)
    assert run(stand, fault, lengthened=0.5).faults == ()
