"""How each part of the fleet is started, and when it is ready."""

import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.schema_version import ROOT
from app.local.account import Account, private_file
from app.local.ports import LOOPBACK
from app.local.process import Command
from app.local.stack import precis
from tests.deploy.edge import write_certificate, write_conf
from tests.fleet.committed import pgbouncer_ini, write_alertmanager, write_prometheus
from tests.fleet.member import Member, answers, listens
from tests.fleet.ports import Ports
from tests.fleet.programs import program

APIS = ("api-1", "api-2")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the parts have in common. `folder` has rooms for logs, edge and watch."""

    folder: Path
    ports: Ports
    account: Account | None

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def trusting(folder: Path) -> ssl.SSLContext:
    """The fleet's own authority and no other."""
    return ssl.create_default_context(cafile=str(folder / "edge" / "ca.pem"))


def pgbouncer(ground: Ground, *, postgres: int, password: str) -> Member:
    """As root under another account: it refuses root."""
    port, account = ground.ports.pgbouncer, ground.account
    users = private_file(ground.folder / "pgbouncer_users", f'"app_rw" "{password}"\n', account)
    text = pgbouncer_ini(postgres=postgres, listen=port, users=users)
    ini = private_file(ground.folder / "pgbouncer.ini", text, account)
    start = Command([program("pgbouncer"), ini], account=account, environment={}, log=ground.log("pgbouncer"))
    return Member("pgbouncer", port, lambda: start, listens(port))


def origin(ground: Ground, listener: socket.socket) -> Member:
    """Articles of our own, as somebody's web site."""
    port, descriptor = listener.getsockname()[1], listener.fileno()
    arguments = [sys.executable, "-m", "app.local.sample_articles", str(descriptor)]
    start = Command(arguments, directory=ROOT, log=ground.log("samples"), pass_fds=(descriptor,))
    return Member("samples", port, lambda: start, listens(port))


def own(ground: Ground, name: str, port: int, *, environment: Callable[[], Mapping[str, str]]) -> Member:
    """An API or a worker."""
    is_api = name in APIS
    setting, path = ("PORT", "/health/ready") if is_api else ("WORKER_METRICS_PORT", "/health")

    def start() -> Command:
        return Command(
            precis("serve" if is_api else "worker"),
            environment={**environment(), setting: str(port)},
            directory=ROOT,
            log=ground.log(name),
        )

    return Member(name, port, start, lambda: answers(port, path))


def nginx(ground: Ground) -> Member:
    folder, ports = ground.folder / "edge", ground.ports
    write_certificate(folder)
    conf = write_conf(folder, apis=[ports.api_1, ports.api_2], http=ports.http, https=ports.https)
    start, tls = Command([program("nginx"), "-c", conf], log=ground.log("nginx")), trusting(ground.folder)
    return Member("nginx", ports.https, lambda: start, lambda: answers(ports.https, "/health", tls=tls))


def alertmanager(ground: Ground, *, receiver: str) -> Member:
    folder, port = ground.folder / "watch", ground.ports.alertmanager
    arguments = [
        program("prometheus-alertmanager"),
        f"--config.file={write_alertmanager(folder, receiver=receiver)}",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    start = Command(arguments, log=ground.log("alertmanager"))
    return Member("alertmanager", port, lambda: start, lambda: answers(port, "/-/ready"))


def prometheus(ground: Ground, *, token: str) -> Member:
    folder, port = ground.folder / "watch", ground.ports.prometheus
    arguments = [
        program("prometheus"),
        f"--config.file={write_prometheus(folder, ground.ports, token=token)}",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    start = Command(arguments, log=ground.log("prometheus"))
    return Member("prometheus", port, lambda: start, lambda: answers(port, "/-/ready"))
