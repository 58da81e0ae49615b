"""deploy/alertmanager/alertmanager.yml: who hears of what, by Alertmanager's own tools."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.core.schema_version import ROOT
from tests.deploy.alerts.rules import ALERTS, Rule

AMTOOL = shutil.which("amtool")
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
