"""The whole service on this machine, as it is deployed: by the repository's own configuration files."""

import asyncio
import os
import secrets
import signal
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
from alembic import command

from app.core.keyring import KeyRing
from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, RoleUrls, bootstrap
from app.core.schema_version import ROOT
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.data_directory import throw_away_directory
from app.local.ports import LOOPBACK, listening
from app.local.postgres import PostgresServer, start_postgres
from app.local.process import Child, Command, run_to_end
from app.local.stack import COPIES, precis
from app.local.valkey import ValkeyServer, start_valkey
from app.settings import Settings, load_settings
from tests.fleet import parts
from tests.fleet.member import Member, answers, listens, postgres_is_ready
from tests.fleet.parts import APIS, Ground
from tests.fleet.ports import Ports
from tests.fleet.programs import require_all

WORKERS = ("worker-1", "worker-2")
WATCHERS = ("prometheus", "alertmanager")
# Whoever is asked goes before whoever answers them.
STOPPED_TOGETHER = ("nginx", *WATCHERS, *APIS, *WORKERS, "samples")
# Nothing of our own surroundings may decide how the service runs.
INHERITED = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


class FleetError(Exception):
    """A part could not be made; the message is its own."""


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """`environment` goes before the fleet's own; `watched`: with Prometheus and Alertmanager."""

    environment: dict[str, str] = field(default_factory=dict)
    watched: bool = True
    durable: bool = True
    alert_receiver: str = f"http://{LOOPBACK}:9"


class Fleet:
    """Use as a context. `members` by name; `environment` is what APIs and workers get at their next start."""

    def __init__(self, options: FleetOptions | None = None) -> None:
        self.options = options or FleetOptions()
        self.members: dict[str, Member] = {}
        self.ports = Ports.free()
        self.account = server_account()
        self.metrics_token = secrets.token_urlsafe(24)
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        require_all()
        try:
            self.folder = self._exits.enter_context(throw_away_directory(self.account))
            self._exits.callback(self._stop_all)
            self._prepare()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def url(self) -> str:
        """Through nginx."""
        return f"https://localhost:{self.ports.https}"

    @property
    def tls(self) -> ssl.SSLContext:
        """Trusts the fleet's own authority and no other."""
        return parts.trusting(self.folder)

    def client(self, address: str | None = None) -> httpx2.Client:
        """`address`: which of the loopback's the client comes from; nginx counts each as somebody else."""
        transport = httpx2.HTTPTransport(verify=self.tls, local_address=address)
        return httpx2.Client(transport=transport, base_url=self.url, timeout=30, trust_env=False)

    def api_url(self, name: str) -> str:
        """Past nginx."""
        return f"http://{LOOPBACK}:{self.members[name].port}"

    def superuser_url(self, database: str = "precis") -> str:
        """Past PgBouncer, past every policy."""
        return self.postgres.url(database)

    def start(self, *names: str) -> None:
        """All at once, then waits for each to be ready."""
        for name in names:
            self.members[name].start()
        for name in names:
            self.members[name].wait_until_ready()

    def stop(self, *names: str) -> None:
        """All are told before the first is waited for."""
        for member in (self.members[name] for name in names):
            if member.is_running and member.child:
                member.send(member.child.command.stop_signal)
        for name in names:
            self.members[name].stop()

    def restart(self, *names: str) -> None:
        self.stop(*names)
        self.start(*names)

    def kill(self, *names: str) -> None:
        for name in names:
            self.members[name].kill()

    def run(self, *arguments: str) -> str:
        """One `precis` command to its end; its output. Raises FleetError."""
        finished = run_to_end(Command(precis(*arguments), environment=self.environment, directory=ROOT))
        if finished.returncode:
            raise FleetError(f"precis {' '.join(arguments)}: {finished.stderr or finished.stdout}")
        return str(finished.stdout)

    def wait_until_used(self, name: str, *, seconds: float = 90.0) -> None:
        """Nginx passes over a server that it could not reach until it has tried it once more."""
        address, log = f"{LOOPBACK}:{self.members[name].port}", self.access_log
        upstream = f'"upstream":"{address}","upstream_status":"200"'
        seen, deadline = log.stat().st_size, time.monotonic() + seconds
        while upstream not in log.read_bytes()[seen:].decode():
            assert time.monotonic() < deadline, f"nginx does not use {name}"
            answers(self.ports.https, "/ping", tls=self.tls)
            time.sleep(0.05)

    @property
    def access_log(self) -> Path:
        """nginx's, one JSON object a line."""
        return self.folder / "edge" / "access.log"

    @property
    def settings(self) -> Settings:
        """As an operator's command would have them."""
        names = {name.upper(): name for name in Settings.model_fields}
        given = {names[name]: value for name, value in self.environment.items() if name in names}
        return load_settings(**given)

    def add(self, member: Member) -> None:
        self.members[member.name] = member

    def _prepare(self) -> None:
        for name in ("logs", "data", "edge", "watch"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)
        self._start_stores()
        self.environment = self._environment()
        # In our own process: every command of ours imports all of it, for seconds.
        command.upgrade(alembic_config(self.settings.migration_database_url), "head")
        KeyRing.load(self.folder / "jwt-keys", create=True)
        ground = Ground(self.folder, self.ports, self.account)
        self.add(parts.pgbouncer(ground, postgres=self.postgres.port, password=self.passwords.rw))
        listener = self._exits.enter_context(listening(8080))
        self.add(parts.origin(ground, listener))
        self._allow(listener.getsockname()[1])
        for name, port in zip((*APIS, *WORKERS), self._own_ports(), strict=True):
            self.add(parts.own(ground, name, port, environment=lambda: self.environment))
        self.add(parts.nginx(ground))
        if self.options.watched:
            receiver = self.options.alert_receiver
            self.add(parts.alertmanager(ground, receiver=receiver))
            self.add(parts.prometheus(ground, token=self.metrics_token))
        self.start(*(name for name in self.members if name not in {"postgres", "valkey"}))

    def _own_ports(self) -> tuple[int, ...]:
        return (self.ports.api_1, self.ports.api_2, self.ports.worker_1, self.ports.worker_2)

    def _start_stores(self) -> None:
        binaries = find_binaries(self.account, COPIES)
        durable = self.options.durable
        self.postgres: PostgresServer = start_postgres(
            binaries, self.folder / "postgres", self.account, durable=durable
        )
        pid_file = self.folder / "postgres" / "data" / "postmaster.pid"
        self._adopt(self.postgres.child, self.postgres.port, lambda: postgres_is_ready(pid_file))
        self.valkey: ValkeyServer = start_valkey(binaries, self.folder / "valkey", self.account)
        self._adopt(self.valkey.child, self.valkey.port, listens(self.valkey.port))
        self.passwords = RolePasswords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        self.role_urls: RoleUrls = asyncio.run(
            bootstrap(self.postgres.url(), database="precis", passwords=self.passwords)
        )

    def _adopt(self, child: Child, port: int, is_ready: Callable[[], bool]) -> None:
        self.add(Member(child.name, port, lambda: child.command, is_ready, child))

    def _environment(self) -> dict[str, str]:
        through = self.role_urls.rw.replace(f":{self.postgres.port}/", f":{self.ports.pgbouncer}/")
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "HOST": LOOPBACK,
            "PUBLIC_URL": self.url,
            "WEB_CONCURRENCY": "2",
            "PRECIS_DATA_DIR": str(self.folder / "data"),
            "LOG_FORMAT": "json",
            "METRICS_TOKEN": self.metrics_token,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "JWT_KEYS_DIR": str(self.folder / "jwt-keys"),
            "DATABASE_URL": through,
            "WORKER_DATABASE_URL": self.role_urls.rw,
            "MIGRATION_DATABASE_URL": self.role_urls.owner,
            "REDIS_URL": self.valkey.url,
            **self.options.environment,
        }

    def _allow(self, port: int) -> None:
        """The fetcher may read what is served there."""
        allowed = (self.environment.get("FETCH_ALLOW_HOSTS", ""), f"{LOOPBACK}:{port}")
        self.environment["FETCH_ALLOW_HOSTS"] = ",".join(part for part in allowed if part)

    def _stop_all(self) -> None:
        for member in self.members.values():
            if member.is_running:
                member.send(signal.SIGCONT)
        self.stop(*(name for name in STOPPED_TOGETHER if name in self.members))
        for name in ("pgbouncer", "valkey", "postgres"):
            if name in self.members:
                self.members[name].stop()
