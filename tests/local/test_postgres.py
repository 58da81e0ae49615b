"""PostgreSQL as ./run starts it: data are kept, whatever happens to the process."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.local.account import LocalServerError, server_account
from app.local.binaries import Binaries
from app.local.postgres import PostgresServer, start_postgres
from tests.local.test_process import until

pytestmark = pytest.mark.integration


@pytest.fixture
def place() -> Iterator[Path]:
    """With a space in its name, and not below pytest's private directory."""
    with tempfile.TemporaryDirectory(prefix="precis test ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "postgres"


def start(binaries: Binaries, place: Path) -> PostgresServer:
    return start_postgres(binaries, place, server_account())


def query(server: PostgresServer, *statements: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(server.url())
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def test_wrong_password_is_refused(binaries: Binaries, place: Path) -> None:
    server = start(binaries, place)
    try:
        stranger = PostgresServer(server.child, server.port, "guessed")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(stranger, "SELECT 1")
    finally:
        server.stop()


def test_data_are_kept_over_a_restart(binaries: Binaries, place: Path) -> None:
    server = start(binaries, place)
    query(server, "CREATE TABLE kept AS SELECT 7 AS n", "SELECT 1")
    server.stop()
    again = start(binaries, place)
    try:
        assert query(again, "SELECT n FROM kept") == 7
    finally:
        again.stop()


def test_killed_server_comes_back_with_every_committed_row(binaries: Binaries, place: Path) -> None:
    server = start(binaries, place)
    query(server, "CREATE TABLE kept AS SELECT 7 AS n", "SELECT 1")
    os.kill(server.child.pid, signal.SIGKILL)
    assert until(lambda: server.child.exit_code is not None)
    again = start(binaries, place)
    try:
        assert query(again, "SELECT n FROM kept") == 7
    finally:
        again.stop()


def test_half_made_data_of_a_killed_first_run_are_made_anew(binaries: Binaries, place: Path) -> None:
    server = start(binaries, place)
    server.stop()
    (place / "data").rename(place / "unfinished")
    (place / "unfinished" / "global" / "pg_control").unlink()
    again = start(binaries, place)
    try:
        assert query(again, "SELECT 1") == 1
    finally:
        again.stop()


def test_lost_password_is_said_before_anything_is_started(binaries: Binaries, place: Path) -> None:
    start(binaries, place).stop()
    place.with_suffix(".password").unlink()
    with pytest.raises(LocalServerError, match="without it nobody can open"):
        start(binaries, place)


def test_broken_data_are_refused_in_one_line_that_names_the_log(binaries: Binaries, place: Path) -> None:
    start(binaries, place).stop()
    (place / "data" / "global" / "pg_control").unlink()
    with pytest.raises(LocalServerError, match=r"pg_control.*see .*postgres\.log") as refusal:
        start(binaries, place)
    assert "\n" not in str(refusal.value)


def test_data_directory_that_cannot_be_made_is_refused_with_its_reason(
    binaries: Binaries, place: Path
) -> None:
    broken = Binaries(Path("/bin/false"), binaries.postgres, binaries.valkey)
    with pytest.raises(LocalServerError, match="cannot make its data directory"):
        start(broken, place)
    assert not (place / "data").exists()
