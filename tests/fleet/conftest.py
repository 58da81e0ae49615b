"""One fleet for all tests of it, in one process of theirs."""

import signal
from collections.abc import Iterator

import pytest

from tests.fleet.cast import api_key
from tests.fleet.fleet import Fleet, FleetOptions
from tests.fleet.programs import missing


@pytest.fixture(scope="package")
def fleet() -> Iterator[Fleet]:
    if names := missing():
        pytest.skip(f"not installed here: {', '.join(names)}")
    # One reader a worker: each is seconds of start, at every restart.
    environment = {"RATE_LIMIT_SCALE": "100000", "READING_PROCESSES": "1"}
    with Fleet(FleetOptions(environment=environment, durable=False)) as fleet:
        yield fleet


@pytest.fixture(scope="package")
def headers(fleet: Fleet) -> dict[str, str]:
    """Of somebody who may ask for much."""
    return api_key(fleet)


@pytest.fixture
def paused_workers(fleet: Fleet) -> Iterator[None]:
    """Jobs wait in the queue; a test may let the workers go on before its end."""
    for name in ("worker-1", "worker-2"):
        fleet.members[name].send(signal.SIGSTOP)
    yield
    for name in ("worker-1", "worker-2"):
        fleet.members[name].send(signal.SIGCONT)
