"""PostgreSQL dead, hung, read-only, crowded, cut off, and replaced by its standby."""

import dataclasses
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from app.local.account import own_directory, private_file
from app.local.binaries import find_binaries
from app.local.ports import free_port
from app.local.process import Child
from app.local.stack import COPIES
from tests.drills.processes import frozen, kill
from tests.drills.stand import Stand

START_SECONDS = 30.0
STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"


@contextmanager
def killed(stand: Stand) -> Iterator[None]:
    kill(stand.child("postgres"))
    yield
    start_again(stand)


def start_again(stand: Stand) -> None:
    """As its own supervisor would, until it stays: the killed one's children may take a moment to go."""
    postgres = stand.child("postgres")

    def accepts() -> bool:
        if postgres.exit_code is not None:
            postgres.start()
        return is_up(stand, stand.records.port)

    assert stand.until(accepts, seconds=START_SECONDS)
    stand.lifted()


def is_up(stand: Stand, port: int) -> bool:
    """It answers queries; a server that starts or stops refuses them."""
    try:
        with stand.records.connected(port):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def hung(stand: Stand) -> Iterator[None]:
    with frozen(stand.child("postgres")):
        yield


@contextmanager
def read_only(stand: Stand) -> Iterator[None]:
    """As on a server that was demoted while we are connected to it."""
    stand.records.run("ALTER SYSTEM SET default_transaction_read_only = on")
    stand.records.run("SELECT pg_reload_conf()")
    yield
    stand.records.run("ALTER SYSTEM RESET default_transaction_read_only")
    stand.records.run("SELECT pg_reload_conf()")


@contextmanager
def crowded(stand: Stand) -> Iterator[None]:
    """No connection is left, and those that were open have been ended."""
    stand.records.run("ALTER ROLE app_rw CONNECTION LIMIT 0")
    stand.records.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_rw'")
    yield
    stand.records.run("ALTER ROLE app_rw CONNECTION LIMIT -1")


@contextmanager
def cut_off(stand: Stand) -> Iterator[None]:
    """Every open connection breaks, once; a new one finds the server where it was."""
    stand.background.run(stand.servers.postgres.reset())
    yield


@contextmanager
def silent_network(stand: Stand) -> Iterator[None]:
    """Connections are accepted, and nothing passes."""
    stand.background.run(stand.servers.postgres.freeze())
    yield
    stand.background.run(stand.servers.postgres.thaw())


@contextmanager
def failed_over(stand: Stand) -> Iterator[None]:
    """To a synchronous standby on another port: nothing was answered that it does not have."""
    standby, port = _standby(stand)
    former = stand.child("postgres").command.arguments
    try:
        assert stand.until(lambda: bool(stand.records.run(STREAMING)[0][0]), seconds=START_SECONDS)
        kill(stand.child("postgres"))
        yield
    finally:
        stand.replace_child(standby)
    shutil.rmtree(former[former.index("-D") + 1])
    stand.records.port = port
    stand.records.run("SELECT pg_promote()")
    stand.background.run(stand.servers.postgres.point_to(port))
    stand.lifted()


def _standby(stand: Stand) -> tuple[Child, int]:
    """Copied from the running primary, which from then on commits what the standby has on its disk."""
    account, folder = stand.stack.account, stand.stack.folder / f"standby-{time.monotonic_ns()}"
    own_directory(folder, account)
    primary, port = stand.child("postgres"), free_port()
    passwords = f"127.0.0.1:{stand.records.port}:*:postgres:{stand.records.password}\n"
    given = private_file(folder.with_suffix(".pass"), passwords, account)
    programs = find_binaries(account, COPIES).postgres.parent
    source = f"host=127.0.0.1 port={stand.records.port} user=postgres application_name=standby"
    subprocess.run(  # noqa: S603  # our own arguments
        [programs / "pg_basebackup", "-D", folder / "data", "-R", "-X", "stream", "-c", "fast", "-d", source],
        user=account.uid if account else None,
        group=account.gid if account else None,
        env={"PGPASSFILE": str(given), "PATH": "/usr/bin:/bin"},
        cwd="/",
        check=True,
        capture_output=True,
    )
    arguments = _exchanged(primary.command.arguments, data=folder / "data", port=port)
    standby = Child("postgres", dataclasses.replace(primary.command, arguments=arguments))
    assert stand.until(lambda: is_up(stand, port), seconds=START_SECONDS)
    stand.records.run("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    stand.records.run("SELECT pg_reload_conf()")
    return standby, port


def _exchanged(arguments: Sequence[str | Path], *, data: Path, port: int) -> list[str]:
    words = [str(argument) for argument in arguments]
    words[words.index("-D") + 1] = str(data)
    return [f"port={port}" if word.startswith("port=") else word for word in words]
