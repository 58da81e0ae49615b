"""An embedded PostgreSQL on the loopback: its own data directory, scram, no socket file."""

import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from app.local.account import Account, LocalServerError, own_directory, private_file
from app.local.binaries import Binaries
from app.local.data_directory import kept_secret
from app.local.ports import LOOPBACK, free_port
from app.local.process import Child, Command, run_to_end

START_SECONDS = 30.0
# How long a former server may take to stop: one whose ./run was killed is just then stopping.
FORMER_SECONDS = 15.0
START_TRIES = 3
SUPERUSER = "postgres"
# Throw-away data may be lost, so tests need not wait for the disk.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STATUS_LINE = 7
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    child: Child
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def stop(self) -> None:
        self.child.stop()


@dataclass(frozen=True, slots=True)
class _Place:
    binaries: Binaries
    folder: Path
    account: Account | None
    durable: bool

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Beside the folder: as root we must not write where another account could lay a link."""
        return self.folder.with_suffix(".log")


def start_postgres(
    binaries: Binaries, folder: Path, account: Account | None, *, durable: bool = True
) -> PostgresServer:
    """Data in `folder`/data are made at first and kept. Raises LocalServerError naming the cause."""
    place = _Place(binaries, folder, account, durable)
    own_directory(folder, account)
    password_path = folder.with_suffix(".password")
    if place.data.exists() and not password_path.exists():
        raise LocalServerError(f"{password_path} is gone, and without it nobody can open {place.data}")
    password = kept_secret(password_path)
    if not place.data.exists():
        _initialise(place, password)
    _await_former(place.data / "postmaster.pid")
    return _start(place, password, tries=START_TRIES)


def _start(place: _Place, password: str, *, tries: int) -> PostgresServer:
    """Others may take the free port before us, and a killed server's children take a moment to go."""
    port = free_port()
    child = Child("postgres", _command(place, port))
    try:
        _wait_until_ready(child, place)
    except LocalServerError:
        if tries == 1:
            raise
        time.sleep(0.5)
        return _start(place, password, tries=tries - 1)
    return PostgresServer(child, port, password)


def _command(place: _Place, port: int) -> Command:
    options = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "log_checkpoints": "off",
        **({} if place.durable else NOT_DURABLE),
    }
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Command(
        [place.binaries.postgres, "-D", place.data, *arguments],
        # SIGINT is PostgreSQL's fast shutdown: connections are cut, data are safe.
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        account=place.account,
        environment=ENVIRONMENT,
        log=place.log,
    )


def _initialise(place: _Place, password: str) -> None:
    """Under another name at first: half a directory is never taken for a whole one."""
    unfinished = place.folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = private_file(place.folder.with_suffix(".initdb"), password, place.account)
    arguments = [
        *(place.binaries.initdb, "-D", unfinished, "-U", SUPERUSER, f"--pwfile={password_file}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
        *(() if place.durable else ("--no-sync",)),
    ]
    try:
        finished = run_to_end(Command(arguments, account=place.account, environment=ENVIRONMENT))
    finally:
        password_file.unlink()
    if finished.returncode:
        reason = " ".join(finished.stderr.splitlines()[-2:])
        raise LocalServerError(f"PostgreSQL cannot make its data directory {place.data}: {reason}")
    unfinished.rename(place.data)


def _await_former(pid_file: Path) -> None:
    """Until the server of a former run has gone; PostgreSQL itself refuses one that does not go."""
    deadline = time.monotonic() + FORMER_SECONDS
    while (status := _status(pid_file)) and _runs(int(status[0])) and time.monotonic() < deadline:
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """By its name too: after a restart of the machine its number may be anybody's."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "postgres"
    except OSError:
        return False


def _wait_until_ready(child: Child, place: _Place) -> None:
    deadline = time.monotonic() + START_SECONDS
    pid_file = place.data / "postmaster.pid"
    while _status(pid_file) != [str(child.pid), "ready"]:
        if child.exit_code is not None:
            raise LocalServerError(f"PostgreSQL stopped at its start: {_last_line(place.log)}")
        if time.monotonic() > deadline:
            child.stop()
            raise LocalServerError(f"PostgreSQL was not ready within {START_SECONDS:.0f} s; see {place.log}")
        time.sleep(0.02)


def _status(pid_file: Path) -> list[str]:
    """Its pid and its state; the file of a former run names another pid."""
    try:
        lines = pid_file.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    return [lines[0].strip(), lines[STATUS_LINE].strip()] if len(lines) > STATUS_LINE else []


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    fatal = [line for line in lines[-10:] if "FATAL" in line]
    return f"{(fatal or lines or ['no reason given'])[-1].strip()} (see {log})"
