"""gunicorn.conf.py with a real gunicorn in front of an echo."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.e2e.running import descendants, until

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Fleet:
    process: subprocess.Popen[bytes]
    client: httpx2.Client
    metrics: Path


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    (metrics / "counter_1.db").write_bytes(b"of a process that is gone")
    with (
        start_gunicorn(port, metrics) as process,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client,
    ):
        try:
            wait_until_up(client)
            yield Fleet(process, client, metrics)
        finally:
            process.terminate()


def start_gunicorn(port: int, metrics: Path, **environment: str) -> subprocess.Popen[bytes]:
    mine = {
        "PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "WEB_CONCURRENCY": "2",
        **environment,
    }
    command = [sys.executable, "-m", "gunicorn", "tests.deploy.echo_app:app"]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | mine, stderr=subprocess.PIPE)  # noqa: S603  # ours


def wait_until_up(client: httpx2.Client, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            client.get("/")
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"gunicorn did not answer within {seconds} s")


def test_configuration_that_is_refused_is_said_once_and_starts_nothing(tmp_path: Path) -> None:
    process = start_gunicorn(0, tmp_path, ENVIRONMENT="production", SECRET_KEY="short")
    _, errors = process.communicate(timeout=20)
    assert process.returncode != 0
    assert errors.count(b"SECRET_KEY") == 1
    assert b"Traceback" not in errors


def test_answers_carry_no_server_header(fleet: Fleet) -> None:
    assert "server" not in fleet.client.get("/").headers


def test_client_cannot_choose_its_address_by_prepending_to_the_proxys(fleet: Fleet) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    assert fleet.client.get("/", headers=headers).text == "198.51.100.7 https"


def test_counters_of_the_last_run_are_gone(fleet: Fleet) -> None:
    assert not list(fleet.metrics.glob("counter_1.db"))


def test_request_in_flight_is_answered_before_the_process_ends(fleet: Fleet) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(fleet.client.get, "/slow")
        time.sleep(0.3)
        fleet.process.send_signal(signal.SIGTERM)
        assert answer.result(10).status_code == 200
    assert fleet.process.wait(10) == 0


def test_a_clean_stop_tells_of_no_error(fleet: Fleet) -> None:
    fleet.client.get("/")
    fleet.process.send_signal(signal.SIGTERM)
    _, said = fleet.process.communicate(timeout=30)
    assert fleet.process.returncode == 0
    assert b"rror" not in said, said


def test_reload_replaces_every_process_and_every_request_meanwhile_is_answered(fleet: Fleet) -> None:
    assert until(lambda: len(descendants(fleet.process.pid)) == 2)
    former, statuses = descendants(fleet.process.pid), set()
    fleet.process.send_signal(signal.SIGHUP)

    def replaced() -> bool:
        statuses.add(fleet.client.get("/").status_code)
        return not former & descendants(fleet.process.pid)

    assert until(replaced, seconds=120)
    assert statuses == {200}
    assert until(lambda: len(descendants(fleet.process.pid)) == 2)
