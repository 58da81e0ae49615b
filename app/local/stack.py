"""What `./run` starts, in order, and stops in the opposite order."""

import asyncio
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.core.roles import RolePasswords, bootstrap
from app.core.schema_version import ROOT
from app.local.account import Account, LocalServerError
from app.local.binaries import find_binaries
from app.local.data_directory import SHARED_STATE, kept_secret
from app.local.ports import first_free
from app.local.postgres import start_postgres
from app.local.process import Child, Command
from app.local.valkey import start_valkey
from app.settings import Settings

READY_SECONDS = 60.0
SAMPLES = Path(__file__).parent / "samples"
SAMPLES_PORT = 8080


def precis(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


@dataclass(slots=True)
class Stack:
    """`environment` is what the API and the worker get; it grows as servers come up."""

    folder: Path
    account: Account | None
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def start_servers(self, settings: Settings) -> None:
        """PostgreSQL and Valkey, each only where no URL points elsewhere."""
        given = settings.model_fields_set
        copies = SHARED_STATE / "bin"
        if "database_url" not in given:
            server = start_postgres(
                find_binaries(self.account, copies), self.folder / "postgres", self.account
            )
            self.children.append(server.child)
            passwords = RolePasswords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
            urls = asyncio.run(bootstrap(server.url(), database="precis", passwords=passwords))
            self.environment |= {"DATABASE_URL": urls.rw, "MIGRATION_DATABASE_URL": urls.owner}
        if "redis_url" not in given:
            valkey = start_valkey(find_binaries(self.account, copies), self.folder / "valkey", self.account)
            self.children.append(valkey.child)
            self.environment["REDIS_URL"] = valkey.url
        if "secret_key" not in given:
            self.environment["SECRET_KEY"] = kept_secret(self.folder / "secret.key")

    def serve_samples(self) -> int:
        """Articles of our own on a loopback port that the fetcher may reach; returns the port."""
        port = first_free(SAMPLES_PORT)
        server = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
        log = self.folder / "samples.log"
        self.children.append(Child("samples", Command([*server, "--directory", SAMPLES], log=log)))
        self.environment["FETCH_ALLOW_HOSTS"] = f"127.0.0.1:{port}"
        return port

    def run_once(self, *arguments: str) -> str:
        """One `precis` command to its end; its output. Raises LocalServerError with its last line."""
        finished = subprocess.run(  # noqa: S603  # our own command
            precis(*arguments),
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            reason = (finished.stderr or finished.stdout).strip().splitlines()
            raise LocalServerError(f"`precis {' '.join(arguments)}` failed: {reason[-1] if reason else '?'}")
        return finished.stdout.strip()

    def start(self, name: str) -> Child:
        """`serve` or `worker`, with its output on ours."""
        child = Child(name, Command(precis(name), environment=self.environment, directory=ROOT))
        self.children.append(child)
        return child

    def wait_until_ready(self, url: str, api: Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(f"{url}/health/ready"):
            if api.exit_code is not None:
                raise LocalServerError("the API stopped at its start; its log is above")
            if time.monotonic() > deadline:
                raise LocalServerError(f"the API was not ready within {READY_SECONDS:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """The API first, then the worker, then what both need."""
        order = {"serve": 0, "worker": 1}
        for child in sorted(self.children, key=lambda child: order.get(child.name, 2)):
            child.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)  # noqa: PLR2004  # HTTP OK
    except (urllib.error.URLError, OSError):
        return False


def base_environment(inherited: Mapping[str, str], folder: Path, *, host: str, port: int) -> dict[str, str]:
    return {
        **inherited,
        "HOST": host,
        "PORT": str(port),
        "PRECIS_DATA_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
