"""deploy/alertmanager/alertmanager.yml: who hears of what, by Alertmanager's own tools."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from app.core.schema_version import ROOT
from app.local.ports import LOOPBACK, accepts, free_port
from app.local.process import Child, Command
from tests.deploy.alerts.rules import ALERTS, Rule
from tests.e2e.running import until
from tests.fleet.committed import write_alertmanager

AMTOOL = shutil.which("amtool")
ALERTMANAGER = shutil.which("prometheus-alertmanager")
CONFIG = ROOT / "deploy/alertmanager/alertmanager.yml"
RECEIVERS = {"page": "page", "ticket": "ticket", "none": "dead-man"}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed here: the routes were not tried"),
]


def amtool(*arguments: str | Path) -> str:
    command = [str(AMTOOL), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  # ours
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def heard_by(**labels: str) -> str:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", "--config.file", CONFIG, *pairs)


def test_configuration_is_sound() -> None:
    assert "SUCCESS" in amtool("check-config", CONFIG)


@pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: str(rule.name))
def test_alert_reaches_whom_its_severity_means_and_nobody_else(rule: Rule) -> None:
    assert heard_by(alertname=rule.name, **rule.labels) == RECEIVERS[rule.labels["severity"]]


def test_what_has_no_severity_is_a_ticket() -> None:
    assert heard_by(alertname="Unknown") == "ticket"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The committed configuration, told to nobody outside; its address."""
    if ALERTMANAGER is None:
        pytest.skip("prometheus-alertmanager is not installed here: what silences what was not tried")
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    url = f"http://{LOOPBACK}:{port}"
    arguments = [
        f"--config.file={write_alertmanager(folder, receiver=f'http://{LOOPBACK}:9')}",
        f"--storage.path={folder}/data",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    child = Child("alertmanager", Command([ALERTMANAGER, *arguments], log=folder / "log"))
    deadline = time.monotonic() + 20
    while not accepts(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield url
    child.stop()


def silenced(url: str) -> set[str]:
    """By another alert."""
    answer = httpx2.get(f"{url}/api/v2/alerts", trust_env=False).json()
    return {alert["labels"]["alertname"] for alert in answer if alert["status"]["inhibitedBy"]}


def tell(url: str, *names: str) -> None:
    """All at once: they fire from now on. Whatever fired before has ended."""
    now = datetime.now(UTC)
    for name, rule in ALERTS.items():
        ends = now + timedelta(hours=1 if name in names else -1)
        begins = now - timedelta(hours=2)
        alert = {
            "labels": {"alertname": name, **rule.labels},
            "startsAt": str_of(begins),
            "endsAt": str_of(ends),
        }
        httpx2.post(f"{url}/api/v2/alerts", json=[alert], trust_env=False).raise_for_status()


def str_of(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


SILENCING = [
    (
        {"DatabaseUnreachable", "AvailabilityBurnPage", "NoWorkers", "QueueStuck", "DiskFilling"},
        {"AvailabilityBurnPage", "NoWorkers", "QueueStuck"},
    ),
    ({"LatencyBurnPage", "LatencyBurnTicket", "SuccessBurnTicket"}, {"LatencyBurnTicket"}),
    (
        {"RedisDegraded", "LimitsDegraded", "AnnouncementsDeaf", "LoginStorm"},
        {"LimitsDegraded", "AnnouncementsDeaf"},
    ),
    ({"NoWorkers", "TargetDown", "QueueStuck"}, {"TargetDown", "QueueStuck"}),
    ({"ApiDown", "TargetDown", "Watchdog"}, {"TargetDown"}),
    ({"TargetDown", "QueueStuck", "LatencyBurnTicket", "Watchdog"}, set()),
]


@pytest.mark.parametrize(("fire", "hushed"), SILENCING, ids=lambda names: "+".join(sorted(names)))
def test_a_cause_silences_what_follows_from_it_and_nothing_else(
    fire: set[str], hushed: set[str], alertmanager: str
) -> None:
    tell(alertmanager, *fire)
    assert until(lambda: silenced(alertmanager) == hushed), silenced(alertmanager)
