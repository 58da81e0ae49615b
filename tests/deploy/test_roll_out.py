"""`roll-out.sh` with a kubectl that writes down what it is asked for."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.deploy_files import ROOT
from tests.deploy.test_platforms import OVERLAYS, needs_kubectl, rendered

pytestmark = pytest.mark.unit

SCRIPT = ROOT / "deploy/kubernetes/roll-out.sh"
NAME = "app.kubernetes.io/name"
# A job is asked for twice before it has ended.
KUBECTL = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
kustomize*) echo "image: registry.example/precis:0.1.0" ;;
*"get job"*) [ "$(grep -c 'get job' "$CALLS")" -lt 3 ] || echo "$JOB" ;;
*"rollout status"*"/$UNREADY") exit 1 ;;
esac
"""
FIRST = f"apply {NAME} notin (precis-worker, precis-api)"
WORKER = [f"apply {NAME} in (precis-worker)", "status precis-worker"]
API = [f"apply {NAME} in (precis-api)", "status precis-api"]


class RolledOut(NamedTuple):
    code: int
    steps: list[str]


def roll_out(folder: Path, *, job: str = "Complete", unready: str = "nobody") -> RolledOut:
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL, "utf-8")
    kubectl.chmod(0o700)
    calls = folder / "calls"
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "JOB": job,
        "UNREADY": unready,
        "PRECIS_POLL_SECONDS": "0",
    }
    command = ["/bin/sh", str(SCRIPT), str(ROOT / "deploy/kubernetes/staging"), "registry.example/precis:new"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30)  # noqa: S603  # ours
    steps = []
    for line in calls.read_text("utf-8").splitlines():
        if " apply " in line:
            steps.append(f"apply {line.partition('--selector ')[2]}")
        elif " rollout " in line:
            steps.append(f"{line.split()[3]} {line.rpartition('/')[2]}")
    return RolledOut(done.returncode, steps)


def test_workers_go_before_the_api_and_both_after_the_migrations(tmp_path: Path) -> None:
    assert roll_out(tmp_path, job="SuccessCriteriaMet Complete") == (0, [FIRST, *WORKER, *API])


def test_a_failed_migration_changes_no_pod(tmp_path: Path) -> None:
    assert roll_out(tmp_path, job="FailureTarget Failed") == (1, [FIRST])


def test_workers_that_do_not_become_ready_go_back_and_the_api_never_changes(tmp_path: Path) -> None:
    assert roll_out(tmp_path, unready="precis-worker") == (1, [FIRST, *WORKER, "undo precis-worker"])


def test_an_api_that_does_not_become_ready_takes_the_workers_back_with_it(tmp_path: Path) -> None:
    wanted = [FIRST, *WORKER, *API, "undo precis-api", "undo precis-worker"]
    assert roll_out(tmp_path, unready="precis-api") == (1, wanted)


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_the_migrations_read_is_applied_with_them(overlay: str) -> None:
    """A label's absence is `notin` too."""
    named = {
        (found["kind"], found["metadata"]["name"])
        for found in rendered(overlay)
        if found["metadata"].get("labels", {}).get(NAME) not in {"precis-worker", "precis-api"}
    }
    (job,) = [found for found in rendered(overlay) if found["kind"] == "Job"]
    spec = job["spec"]["template"]["spec"]
    assert ("ServiceAccount", spec["serviceAccountName"]) in named
    configurations = {source["configMapRef"]["name"] for source in spec["containers"][0]["envFrom"]}
    assert {("Job", "precis-migrate"), *(("ConfigMap", name) for name in configurations)} <= named
