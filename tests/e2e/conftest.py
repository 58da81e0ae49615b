"""One demo for all tests that only use it; those that end one start their own."""

import signal
from collections.abc import Iterator

import pytest

from app.local.ports import free_port
from tests.e2e.origin import SlowOrigin
from tests.e2e.running import Launch, Running


@pytest.fixture(scope="package")
def origin() -> Iterator[SlowOrigin]:
    with SlowOrigin() as origin:
        yield origin


@pytest.fixture(scope="package")
def demo(origin: SlowOrigin) -> Iterator[Running]:
    environment = {"FETCH_ALLOW_HOSTS": origin.address, "READING_PROCESSES": "1"}
    launch = Launch(["--demo", "--port", str(free_port())], environment)
    with Running(launch) as running:
        running.ready()
        yield running
        running.send(signal.SIGTERM)
        assert running.ended() == 0, running.text
        assert running.left() == {}
