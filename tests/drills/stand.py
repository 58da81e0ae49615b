"""The service under drill: gunicorn with two workers, a worker, PostgreSQL and Valkey behind proxies of ours.

What a drill kills that is ours to restart (the API, the worker) is started again as a supervisor would.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.core.schema_version import ROOT
from app.local.account import LocalServerError, server_account
from app.local.ports import LOOPBACK, free_port, url_of
from app.local.process import Child, Command
from app.local.stack import Stack, base_environment, precis
from app.local.watch import Watch
from app.settings import load_settings
from tests.drills.alarms import Alarms
from tests.drills.background import Background
from tests.drills.names import ADDRESS, NameServer
from tests.drills.origin import Origin
from tests.drills.places import small_disk
from tests.drills.probes import Probes
from tests.drills.queries import Records
from tests.tcp_proxy import TcpProxy, with_port

LOOK_EVERY_SECONDS = 0.1
AWAKE_SECONDS = 60.0
NAME = "page.drill.test"
OURS = ("serve", "worker")
# What is claimed of it in seconds is claimed of it without coverage's tracing.
UNTRACED = dict.fromkeys(("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"), "")
WANTED = {"LOG_LEVEL": "ERROR", "RATE_LIMIT_SCALE": "1000", "WEB_CONCURRENCY": "2", **UNTRACED}


@dataclass(slots=True)
class Servers:
    """The proxies, and what stands behind them."""

    postgres: TcpProxy
    valkey: TcpProxy
    origin: Origin
    names: NameServer

    async def aclose(self) -> None:
        for proxy in (self.postgres, self.valkey):
            await proxy.aclose()
        self.origin.close()
        self.names.close()


@dataclass(slots=True)
class Stand:
    stack: Stack
    background: Background
    servers: Servers
    records: Records
    probes: Probes
    alarms: Alarms
    own_disk: bool
    remarks: list[str] = field(default_factory=list)
    fired: set[str] = field(default_factory=set)
    lifted_at: float = 0.0
    _watch: Watch | None = None

    def child(self, name: str) -> Child:
        return next(child for child in self.stack.children if child.name == name)

    def replace_child(self, child: Child) -> None:
        """By its name: a standby that has taken over."""
        self.stack.children[:] = [child if one.name == child.name else one for one in self.stack.children]

    def lifted(self) -> None:
        """The fault has ended now: from here on the seconds to recover are counted."""
        self.lifted_at = time.monotonic()

    def submit_page(self, path: str) -> str:
        return self._submit(f"http://{LOOPBACK}:{self.servers.origin.port}{path}")

    def submit_named(self, name: str) -> str:
        """A page whose address has a name in it, which the worker must look up."""
        return self._submit(f"http://{NAME}:{self.servers.origin.port}/{name}")

    def _submit(self, url: str) -> str:
        return self.background.run(self.probes.submit(url=url, on_duplicate="new"))

    @contextmanager
    def through(self, url: str) -> Iterator[None]:
        """Users come by this address meanwhile."""
        self.background.run(self.probes.use(url))
        try:
            yield
        finally:
            self.background.run(self.probes.use(self.probes.url))

    @property
    def worker(self) -> Child:
        return self.child("worker")

    def supervise(self) -> None:
        children = [child for child in self.stack.children if child.name in OURS]
        self._watch = Watch(children, self.remarks.append)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()

    def until(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.look()
        return True

    def look(self) -> None:
        """A supervisor's round; from the main thread, whose death the children follow."""
        if self._watch is not None:
            self._watch.look()
        self.fired |= self.alarms.firing()
        time.sleep(LOOK_EVERY_SECONDS)

    @contextmanager
    def restarted(self, environment: dict[str, str]) -> Iterator[None]:
        """The API and the worker with these variables too, and at the end without them."""
        self._restart(environment)
        try:
            yield
        finally:
            self._restart(dict.fromkeys(environment, ""))

    def _restart(self, environment: dict[str, str]) -> None:
        self.stack.environment.update(environment)
        for name in OURS:
            self.child(name).stop()
            self.child(name).start()
        _await_ready(self.stack, self.probes.url, self.child("serve"))


@contextmanager
def standing() -> Iterator[Stand]:
    """Everything started, users at work."""
    with small_disk() as (folder, own_disk), Background() as background:
        stack = Stack(
            folder, server_account(), {**base_environment(os.environ, folder, host=LOOPBACK), **WANTED}
        )
        stand: Stand | None = None
        try:
            stand = _assemble(stack, background, own_disk=own_disk)
            yield stand
        finally:
            if stand is not None:
                background.run(stand.probes.stop())
                background.run(stand.servers.aclose())
                stand.alarms.stop()
            _stop(stack)


def _await_ready(stack: Stack, url: str, api: Child) -> None:
    """Longer than `./run` would: beside other tests a machine of two cores takes its time."""
    try:
        stack.wait_until_ready(url, api)
    except LocalServerError:
        stack.wait_until_ready(url, api)


def _stop(stack: Stack) -> None:
    """Also what a drill has added, and what it left stopped."""
    known = [child for child in stack.children if child.name in {"serve", "worker", "valkey", "postgres"}]
    for child in stack.children:
        if child not in known:
            child.stop(patience_seconds=2)
    stack.children[:] = known
    stack.stop()
    for log in (child.command.log for child in known if child.name in OURS):
        if log is not None:
            log.unlink(missing_ok=True)


def _assemble(stack: Stack, background: Background, *, own_disk: bool) -> Stand:
    stack.start_servers(load_settings())
    stack.run_once("migrate")
    servers = _servers(stack, background)
    records = Records.of(stack)
    _go_through(stack, servers)
    api, figures = free_port(), free_port()
    stack.environment |= {"PORT": str(api), "WORKER_METRICS_PORT": str(figures)}
    probes = Probes(url_of(LOOPBACK, api))
    alarms = Alarms(stack.folder, {"precis-api": api, "precis-worker": figures})
    serve = Child("serve", _command(stack, "serve", precis("serve")))
    stack.children += [serve, Child("worker", _command(stack, "worker", _worker(stack)))]
    _await_ready(stack, probes.url, serve)
    background.run(probes.start())
    records.lift_quota()
    alarms.start()
    background.run(probes.go())
    stand = Stand(stack, background, servers, records, probes, alarms, own_disk)
    stand.supervise()
    assert stand.until(alarms.is_awake, seconds=AWAKE_SECONDS)
    return stand


def _servers(stack: Stack, background: Background) -> Servers:
    postgres = TcpProxy(_port_of(stack.environment["DATABASE_URL"]))
    valkey = TcpProxy(_port_of(stack.environment["REDIS_URL"]))
    origin = Origin()
    for server in (postgres, valkey, origin):
        background.run(server.start())
    names = NameServer()
    if has_own_names():
        background.run(names.start())
    return Servers(postgres, valkey, origin, names)


def _go_through(stack: Stack, servers: Servers) -> None:
    for name in ("DATABASE_URL", "WORKER_DATABASE_URL"):
        stack.environment[name] = with_port(stack.environment[name], servers.postgres.port)
    stack.environment["REDIS_URL"] = with_port(stack.environment["REDIS_URL"], servers.valkey.port)
    # Past the gate of pace and robots.txt too, which are no part of a drill.
    hosts = (f"{host}:{servers.origin.port}" for host in (LOOPBACK, NAME))
    stack.environment["FETCH_ALLOW_HOSTS"] = ",".join(hosts)


def _command(stack: Stack, name: str, arguments: Sequence[str]) -> Command:
    # Not on the disk that is filled: a container's output goes elsewhere too.
    log = stack.folder.with_name(f"{stack.folder.name}-{name}.log")
    return Command(arguments, environment=stack.environment, directory=ROOT, log=log)


def _worker(stack: Stack) -> list[str]:
    """As root in a mount namespace of its own, where names are asked of our name server."""
    command = [sys.executable, "-m", "tests.drills.poisoned_worker"]
    if has_own_names():
        resolver = stack.folder / "resolv.conf"
        resolver.write_text(f"nameserver {ADDRESS}\n", "ascii")
        mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", mount, str(resolver), *command]
    return command


def has_own_names() -> bool:
    return os.geteuid() == 0 and shutil.which("unshare") is not None


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
