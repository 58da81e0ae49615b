"""Valkey as ./run starts it: from any path, closed to strangers, keeping nothing."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.local.account import LocalServerError, server_account
from app.local.binaries import Binaries
from app.local.valkey import ValkeyServer, start_valkey

pytestmark = pytest.mark.integration


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="precis test ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "valkey"


@pytest.fixture
def server(binaries: Binaries, place: Path) -> Iterator[ValkeyServer]:
    server = start_valkey(binaries, place, server_account())
    yield server
    server.stop()


def test_client_without_the_password_is_refused(server: ValkeyServer) -> None:
    with redis.Redis(port=server.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_url_opens_it_below_a_path_with_a_space(server: ValkeyServer) -> None:
    with redis.from_url(server.url) as client:
        assert client.set("key", "value")
        assert client.get("key") == b"value"


def test_password_is_in_no_command_line(server: ValkeyServer) -> None:
    assert server.password.encode() not in Path(f"/proc/{server.child.pid}/cmdline").read_bytes()


def test_server_that_does_not_start_is_told_with_its_log(binaries: Binaries, place: Path) -> None:
    broken = Binaries(binaries.initdb, binaries.postgres, Path("/bin/false"))
    with pytest.raises(LocalServerError, match=r"Valkey did not start; .*valkey\.log"):
        start_valkey(broken, place, server_account())
