"""What `precis` is before it has loaded anything: the server, the worker, or an operator's command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import MEMORY

pytestmark = pytest.mark.integration
WRONG = {"DATABASE_URL": "sqlite:///precis.db"}
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FAULTS_OF_A_HASH = """
from resource import RUSAGE_SELF, getrusage
from app.core.password_hashing import make_context
context = make_context()
hashed = context.hash("x")
before = getrusage(RUSAGE_SELF).ru_minflt
context.verify("x", hashed)
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""
LOADED = "import sys, app.cli; print(*sys.modules)"
SMALL = {"MALLOC_MMAP_THRESHOLD_": MEMORY["serve"]["MALLOC_MMAP_THRESHOLD_"]}
HEAVY = {"typer", "pydantic", "app.settings", "app.commands", "app.main"}


def ended(folder: Path, *arguments: str, **also: str) -> "subprocess.CompletedProcess[str]":
    command, environment = [sys.executable, *arguments], {"PATH": os.environ["PATH"], **WRONG, **also}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own


@pytest.mark.parametrize("process", ["serve", "worker"])
def test_a_process_refuses_wrong_settings_in_words(tmp_path: Path, process: str) -> None:
    told = ended(tmp_path, "-m", "app.cli", process)
    assert told.returncode == 1
    assert "DATABASE_URL: SQLite is not supported" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["serve", "--help"], 0), (["serve", "now"], 2), (["fly"], 2)]
)
def test_what_is_no_process_alone_is_a_command(tmp_path: Path, arguments: list[str], code: int) -> None:
    told = ended(tmp_path, "-m", "app.cli", *arguments)
    assert told.returncode == code
    assert "Usage: precis" in told.stdout + told.stderr


def test_the_command_loads_nothing_that_a_process_would_load_again(tmp_path: Path) -> None:
    assert HEAVY.isdisjoint(ended(tmp_path, "-c", LOADED).stdout.split())


@pytest.mark.skipif(
    not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text(), reason="this system has no huge pages"
)
def test_a_hash_in_the_server_is_not_a_fault_for_each_small_page(tmp_path: Path) -> None:
    faults = [
        int(ended(tmp_path, "-c", FAULTS_OF_A_HASH, **memory).stdout) for memory in (MEMORY["serve"], SMALL)
    ]
    assert faults[0] < faults[1] / 2
