"""The repository's own configuration files, with only addresses and places exchanged."""

import shutil
from pathlib import Path

from app.core.schema_version import ROOT
from app.local.ports import LOOPBACK
from tests.deploy.edge import exchanged
from tests.fleet.ports import Ports

DEPLOY = ROOT / "deploy"
# The fleet's life is short: what takes an operator's minutes takes seconds here.
SCRAPE_SECONDS = 1


def pgbouncer_ini(*, postgres: int, listen: int, users: Path) -> str:
    exchanges = {
        "host=postgres port=5432": f"host={LOOPBACK} port={postgres}",
        "listen_addr = 0.0.0.0": f"listen_addr = {LOOPBACK}\nunix_socket_dir =",
        "listen_port = 6432": f"listen_port = {listen}",
        "/run/secrets/pgbouncer_users": str(users),
    }
    return exchanged(DEPLOY / "pgbouncer" / "pgbouncer.ini", exchanges)


def write_prometheus(folder: Path, ports: Ports, *, token: str) -> Path:
    """With the committed rules beside it. The labels stay as they are in production."""
    (folder / "metrics_token").write_text(token, "ascii")
    apis = ", ".join(f'"{LOOPBACK}:{port}"' for port in (ports.api_1, ports.api_2))
    workers = ", ".join(f'"{LOOPBACK}:{port}"' for port in (ports.worker_1, ports.worker_2))
    exchanges = {
        "scrape_interval: 15s": f"scrape_interval: {SCRAPE_SECONDS}s",
        "scrape_timeout: 5s": f"scrape_timeout: {SCRAPE_SECONDS}s",
        "evaluation_interval: 15s": f"evaluation_interval: {SCRAPE_SECONDS}s",
        "/run/secrets/metrics_token": f"{folder}/metrics_token",
        _looked_up("api", 8000): f"static_configs:\n      - targets: [{apis}]",
        _looked_up("worker", 9101): f"static_configs:\n      - targets: [{workers}]",
        '"localhost:9090"': f'"{LOOPBACK}:{ports.prometheus}"',
        '"alertmanager:9093"': f'"{LOOPBACK}:{ports.alertmanager}"',
    }
    target = folder / "prometheus.yml"
    target.write_text(exchanged(DEPLOY / "prometheus" / "prometheus.yml", exchanges), "utf-8")
    shutil.copytree(DEPLOY / "prometheus" / "rules", folder / "rules", dirs_exist_ok=True)
    return target


def _looked_up(name: str, port: int) -> str:
    """There are no names for replicas here."""
    return f'dns_sd_configs:\n      - {{names: ["{name}"], type: A, port: {port}, refresh_interval: 15s}}'


def write_alertmanager(folder: Path, *, receiver: str) -> Path:
    """Whoever is told of an alert is told at `receiver`, and nobody outside this machine."""
    (folder / "pagerduty_routing_key").write_text("none", "ascii")
    (folder / "slack_url").write_text(f"{receiver}/slack", "ascii")
    exchanges = {
        "/run/secrets/": f"{folder}/",
        "https://deadman.example/precis": f"{receiver}/deadman",
        "global:\n": f"global:\n  pagerduty_url: {receiver}/pagerduty\n",
    }
    target = folder / "alertmanager.yml"
    target.write_text(exchanged(DEPLOY / "alertmanager" / "alertmanager.yml", exchanges), "utf-8")
    return target
