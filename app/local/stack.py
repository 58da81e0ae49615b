"""What `./run` starts, in order, and stops in the opposite order."""

import asyncio
import http.client
import secrets
import shlex
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.core.roles import RolePasswords, RoleUrls, bootstrap
from app.core.schema_version import ROOT, newest_revision
from app.local.account import Account, LocalServerError, private_file
from app.local.binaries import find_binaries
from app.local.data_directory import SHARED_STATE, kept_secret
from app.local.ports import listening
from app.local.postgres import start_postgres
from app.local.process import Child, Command, run_to_end
from app.local.schema import revision_of
from app.local.valkey import start_valkey
from app.settings import Settings

READY_SECONDS = 60.0
SAMPLES_PORT = 8080
STOP_ORDER = ("serve", "worker", "samples", "valkey", "postgres")
COPIES = SHARED_STATE / "bin"
# What `precis` needs, typed beside a running ./run.
OPERATOR_VARIABLES = (
    *("DATABASE_URL", "MIGRATION_DATABASE_URL", "WORKER_DATABASE_URL", "REDIS_URL", "SECRET_KEY"),
    *("HOST", "PORT", "PRECIS_DATA_DIR"),
)


def precis(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


@dataclass(slots=True)
class Stack:
    """`environment` is what the API and the worker get; it grows as servers come up."""

    folder: Path
    account: Account | None
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)
    samples_socket: socket.socket | None = None

    def start_servers(self, settings: Settings) -> None:
        """PostgreSQL and Valkey, each only where no URL points elsewhere."""
        given = settings.model_fields_set
        if "database_url" not in given:
            urls = self._start_postgres()
            self.environment |= {"DATABASE_URL": urls.rw, "MIGRATION_DATABASE_URL": urls.owner}
            # Nothing stands between.
            self.environment.setdefault("DB_PREPARED_STATEMENTS", "100")
            # One that was meant for another server would lead the worker there.
            self.environment["WORKER_DATABASE_URL"] = urls.rw
        if "redis_url" not in given:
            valkey = start_valkey(find_binaries(self.account, COPIES), self.folder / "valkey", self.account)
            self.children.append(valkey.child)
            self.environment["REDIS_URL"] = valkey.url
        if "secret_key" not in given:
            self.environment["SECRET_KEY"] = kept_secret(self.folder / "secret.key")

    def _start_postgres(self) -> RoleUrls:
        server = start_postgres(find_binaries(self.account, COPIES), self.folder / "postgres", self.account)
        self.children.append(server.child)
        passwords = RolePasswords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        return asyncio.run(bootstrap(server.url(), database="precis", passwords=passwords))

    def serve_samples(self) -> int:
        """Articles of our own on a loopback port that the fetcher may reach; returns the port."""
        self.samples_socket = listening(SAMPLES_PORT)
        port: int = self.samples_socket.getsockname()[1]
        descriptor = self.samples_socket.fileno()
        command = [sys.executable, "-m", "app.local.sample_articles", str(descriptor)]
        log = self.folder / "samples.log"
        self.children.append(
            Child("samples", Command(command, directory=ROOT, log=log, pass_fds=(descriptor,)))
        )
        allowed = (self.environment.get("FETCH_ALLOW_HOSTS", ""), f"127.0.0.1:{port}")
        self.environment["FETCH_ALLOW_HOSTS"] = ",".join(part for part in allowed if part)
        return port

    def migrate(self) -> None:
        """`precis migrate` loads all there is: only where it is needed. Raises LocalServerError."""
        url = self.environment.get("MIGRATION_DATABASE_URL")
        if url is None or asyncio.run(revision_of(url)) != newest_revision():
            self.run_once("migrate")

    def run_once(self, *arguments: str) -> str:
        """One `precis` command to its end; its output. Raises LocalServerError with its last line."""
        finished = run_to_end(Command(precis(*arguments), environment=self.environment, directory=ROOT))
        if finished.returncode:
            reason = (finished.stderr or finished.stdout or "no reason given").splitlines()
            raise LocalServerError(f"`precis {' '.join(arguments)}` failed: {reason[-1]}")
        return str(finished.stdout)

    def start(self, name: str) -> Child:
        """`serve` or `worker`, with its output on ours."""
        child = Child(name, Command(precis(name), environment=self.environment, directory=ROOT))
        self.children.append(child)
        return child

    def keep_environment(self) -> Path:
        """A file for the shell: ports and passwords are made anew at every start."""
        found = {name: self.environment[name] for name in OPERATOR_VARIABLES if name in self.environment}
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())
        return private_file(self.folder / "env", text, None)

    def wait_until_ready(self, url: str, api: Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(url):
            if api.exit_code is not None:
                raise LocalServerError("the API stopped at its start; its log is above")
            if time.monotonic() > deadline:
                raise LocalServerError(f"the API was not ready within {READY_SECONDS:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """The API first, so that nothing new comes in; PostgreSQL last."""
        for child in sorted(self.children, key=lambda child: STOP_ORDER.index(child.name)):
            child.stop()
        if self.samples_socket:
            self.samples_socket.close()
        (self.folder / "env").unlink(missing_ok=True)


def _answers(url: str) -> bool:
    """Not through urllib: a proxy from the environment would be asked for our own loopback."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def base_environment(inherited: Mapping[str, str], folder: Path, *, host: str) -> dict[str, str]:
    return {
        **inherited,
        "HOST": host,
        "PRECIS_DATA_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
