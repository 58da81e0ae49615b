"""The API's processes and a worker, scraped each second by a Prometheus with our own rules."""

import http.client
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.core.schema_version import ROOT
from app.local.ports import LOOPBACK, free_port
from app.local.process import Child, Command
from app.local.stack import precis
from app.settings import Settings

READY_SECONDS = 120.0
RULES = ROOT / "deploy/prometheus/rules"
CONF = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules/*.yml]
scrape_configs:
  - {{job_name: precis-api, static_configs: [{{targets: ["{host}:{api}"]}}]}}
  - {{job_name: precis-worker, static_configs: [{{targets: ["{host}:{worker}"]}}]}}
  - {{job_name: prometheus, static_configs: [{{targets: ["{host}:{prometheus}"]}}]}}
"""
ALL_SCRAPED = "count(up == 1) == 3"


@dataclass(frozen=True, slots=True)
class Sample:
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Ports:
    api: int
    worker: int
    prometheus: int


@dataclass(frozen=True, slots=True)
class Watched:
    ports: Ports

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.api}"

    def query(self, expr: str) -> list[Sample]:
        """As of now. Raises QueryError."""
        found = self._ask("/api/v1/query", query=expr)
        if found["resultType"] == "scalar":
            return [Sample({}, (_point(found["result"]),))]
        return [Sample(each["metric"], (_point(each["value"]),)) for each in found["result"]]

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> list[Sample]:
        found = self._ask("/api/v1/query_range", query=expr, start=start, end=end, step=step)
        return [Sample(s["metric"], tuple(map(_point, s["values"]))) for s in found["result"]]

    def _ask(self, path: str, **values: object) -> dict[str, Any]:  # Any: Prometheus's JSON
        status, body = _get(self.ports.prometheus, f"{path}?{urlencode(values)}")
        if status != http.HTTPStatus.OK:
            raise QueryError(body.decode(errors="replace"))
        data: dict[str, Any] = json.loads(body)["data"]  # Any: as above
        return data


class QueryError(Exception):
    """With Prometheus's own words."""


@contextmanager
def watched(settings: Settings, folder: Path, *, environment: Mapping[str, str]) -> Iterator[Watched]:
    """`settings` say which servers; the database is migrated. Raises FileNotFoundError without Prometheus."""
    ports = Ports(free_port(), free_port(), free_port())
    surroundings = _surroundings(settings, folder, ports) | dict(environment)
    with ExitStack() as stack:

        def start(name: str, arguments: list[str], port: int, path: str) -> None:
            command = Command(arguments, environment=surroundings, directory=ROOT, log=folder / f"{name}.log")
            child = Child(name, command)
            stack.callback(child.stop)
            children.append((child, lambda: _answers(port, path)))

        children: list[tuple[Child, Callable[[], bool]]] = []
        start("serve", precis("serve"), ports.api, "/health/ready")
        start("worker", [sys.executable, "-m", "app.worker"], ports.worker, "/health")
        start("prometheus", _prometheus(folder, ports), ports.prometheus, "/-/ready")
        for child, ready in children:
            _wait(child, ready)
        watched = Watched(ports)
        # A rate has to know where what is counted from now on began.
        _wait(children[-1][0], lambda: bool(watched.query(ALL_SCRAPED)))
        yield watched


def _surroundings(settings: Settings, folder: Path, ports: Ports) -> dict[str, str]:
    return {
        **os.environ,
        "ENVIRONMENT": str(settings.environment),
        "PUBLIC_URL": settings.base_url,
        "HOST": LOOPBACK,
        "PORT": str(ports.api),
        "WORKER_METRICS_PORT": str(ports.worker),
        "WEB_CONCURRENCY": "2",
        "PRECIS_DATA_DIR": str(folder),
        "JWT_KEYS_DIR": str(settings.jwt_keys_dir),
        "SECRET_KEY": settings.signing_secret,
        "DATABASE_URL": settings.database_url,
        "WORKER_DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def _prometheus(folder: Path, ports: Ports) -> list[str]:
    """The rules as they are committed, but by the second."""
    program = shutil.which("prometheus")
    if program is None:
        raise FileNotFoundError("prometheus is not installed")
    (folder / "rules").mkdir()
    for file in RULES.glob("*.yml"):
        text = file.read_text("utf-8").replace("interval: 30s", "interval: 1s")
        (folder / "rules" / file.name).write_text(text, "utf-8")
    conf = CONF.format(host=LOOPBACK, api=ports.api, worker=ports.worker, prometheus=ports.prometheus)
    (folder / "prometheus.yml").write_text(conf, "utf-8")
    return [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb-{secrets.token_hex(4)}",
        f"--web.listen-address={LOOPBACK}:{ports.prometheus}",
    ]


def _wait(child: Child, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        said = child.command.log.read_text("utf-8", "replace")[-2000:] if child.command.log else ""
        assert child.exit_code is None, f"{child.name} stopped: {said}"
        assert time.monotonic() < deadline, f"{child.name} is not ready: {said}"
        time.sleep(0.05)


def _answers(port: int, path: str) -> bool:
    try:
        return _get(port, path)[0] == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _get(port: int, path: str) -> tuple[int, bytes]:
    """Not through urllib: a proxy from the environment would be asked for our own loopback."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _point(pair: list[Any]) -> tuple[float, float]:  # Any: Prometheus's JSON
    return float(pair[0]), float(pair[1])
