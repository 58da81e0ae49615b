"""Every command of every runbook works as it is written, on a whole fleet."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.core.schema_version import ROOT
from app.local.binaries import find_binaries
from app.local.ports import LOOPBACK
from app.local.stack import COPIES
from tests.deploy.alerts.rules import BY_NAME
from tests.e2e.running import until
from tests.fleet.fleet import Fleet
from tests.fleet.programs import found

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
PARTS = ("# ", "## Meaning", "## What users see", "## Check", "## Mend", "## Escalate")
TOOLS = ("promtool", "amtool", "curl")
MISSING = [name for name in TOOLS if found(name) is None]
# Many runbooks ask the same, and `precis` takes seconds to start.
RUN: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an operator sits: `environment` is what docs/runbooks/README.md tells them to set."""

    environment: dict[str, str]

    def run(self, line: str) -> str:
        if line not in RUN:
            done = subprocess.run(  # noqa: S603  # our own documents
                ["/bin/sh", "-euc", line],
                env=self.environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            RUN[line] = done.stdout + done.stderr
        return RUN[line]


@pytest.fixture(scope="package")
def desk(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if MISSING:
        pytest.skip(f"not installed here: {', '.join(MISSING)}")
    tools = tmp_path_factory.mktemp("tools")
    postgres = find_binaries(fleet.account, COPIES).postgres
    (tools / "psql").symlink_to(postgres.with_name("psql"))
    (tools / "precis").symlink_to(Path(sys.executable).with_name("precis"))
    ports = fleet.ports
    yield Desk(
        fleet.environment
        | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "API_URL": f"http://{LOOPBACK}:{ports.api_1}",
            "WORKER_URL": f"http://{LOOPBACK}:{ports.worker_1}",
            "PROMETHEUS_URL": f"http://{LOOPBACK}:{ports.prometheus}",
            "ALERTMANAGER_URL": f"http://{LOOPBACK}:{ports.alertmanager}",
            "SUPERUSER_DATABASE_URL": fleet.superuser_url(),
        }
    )
    shutil.rmtree(tools)


def lines_of(runbook: Path) -> list[str]:
    return [line for block in BLOCK.findall(runbook.read_text("utf-8")) for line in block.splitlines()]


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda file: str(file.stem))
def test_commands_work_as_they_are_written(runbook: Path, desk: Desk) -> None:
    lines = lines_of(runbook)
    for line in lines:
        desk.run(line)
    assert lines


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda file: str(file.stem))
def test_runbook_has_all_parts_in_order(runbook: Path) -> None:
    text = runbook.read_text("utf-8")
    places = [text.find(part) for part in PARTS]
    assert runbook.stem == "README" or (places == sorted(places) and -1 not in places)


def test_a_command_that_fails_is_noticed(desk: Desk) -> None:
    with pytest.raises(AssertionError):
        desk.run("promtool query instant \"$PROMETHEUS_URL\" 'no such expression'")


def test_prometheus_evaluates_every_rule_without_an_error(desk: Desk) -> None:
    url = f"{desk.environment['PROMETHEUS_URL']}/api/v1/rules"
    rules = [
        rule for group in httpx2.get(url, trust_env=False).json()["data"]["groups"] for rule in group["rules"]
    ]
    assert {rule["name"] for rule in rules} == set(BY_NAME)
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")] == []


def test_alertmanager_hears_the_watchdog(fleet: Fleet) -> None:
    """Last: a minute after the fleet's start nobody has to wait for it."""
    url = f"http://{LOOPBACK}:{fleet.ports.alertmanager}/api/v2/alerts"

    def names() -> set[str]:
        return {alert["labels"]["alertname"] for alert in httpx2.get(url, trust_env=False).json()}

    assert until(lambda: "Watchdog" in names(), seconds=180)
