"""Free ports: taken ones are seen, on either family."""

import socket
from collections.abc import Iterator

import pytest

from app.local.ports import LOOPBACK, accepts, first_free, free_port, is_free, listening, url_of

pytestmark = pytest.mark.unit


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_listened_port_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_port_that_others_listen_on_is_passed_over(taken: int) -> None:
    assert first_free(taken) > taken


def test_no_free_port_among_the_tries_takes_any(taken: int) -> None:
    port = first_free(taken, tries=1)
    assert port != taken
    assert is_free(port)


def test_last_port_does_not_lead_beyond_the_range() -> None:
    assert first_free(65535) <= 65535


def test_free_port_is_free() -> None:
    assert is_free(free_port())


def test_a_port_once_listened_on_is_kept(taken: int) -> None:
    with listening(taken) as listener:
        port = listener.getsockname()[1]
        assert port != taken
        assert accepts(port)


def test_only_a_listened_port_accepts(taken: int) -> None:
    assert accepts(taken)
    assert not accepts(free_port())


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104  # a string, nothing is bound
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert url_of(host, 8000) == url
