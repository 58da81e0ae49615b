"""The worker's port answers whoever may scrape, and says when the loop does not turn."""

import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr

from app.worker.exposition import HUNG_AFTER_SECONDS, exposed

pytestmark = pytest.mark.unit

LOOPBACK = "127.0.0.1"


def ask(port: int | None, path: str, **headers: str) -> tuple[int, str]:
    request = Request(f"http://{LOOPBACK}:{port}{path}", headers=headers)
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310  # our own server
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "hunter2"}])
def test_metrics_are_not_found_without_their_token(headers: dict[str, str]) -> None:
    with exposed(LOOPBACK, 0, token=SecretStr("hunter2")) as port:
        assert ask(port, "/metrics", **headers)[0] == 404


def test_metrics_are_prometheus_text_for_who_has_the_token() -> None:
    with exposed(LOOPBACK, 0, token=SecretStr("hunter2")) as port:
        status, text = ask(port, "/metrics", Authorization="Bearer hunter2")
    assert status == 200
    assert "precis_event_loop_lag_seconds" in text


def test_another_path_is_not_found() -> None:
    with exposed(LOOPBACK, 0, token=None) as port:
        assert ask(port, "/")[0] == 404


def test_a_worker_whose_loop_turns_is_healthy() -> None:
    with exposed(LOOPBACK, 0, token=None, clock=lambda: 0.0) as port:
        assert ask(port, "/health") == (200, "healthy\n")


def test_a_worker_whose_loop_stands_still_says_so() -> None:
    later = time.monotonic() + 2 * HUNG_AFTER_SECONDS
    with exposed(LOOPBACK, 0, token=None, clock=lambda: later) as port:
        assert ask(port, "/health") == (503, "hung\n")


def test_nothing_listens_where_no_port_is_set() -> None:
    with exposed(LOOPBACK, None, token=None) as port:
        assert port is None
