"""What `precis` is before it has loaded anything: the server, the worker, or an operator's command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
WRONG = {"DATABASE_URL": "sqlite:///precis.db"}
LOADED = "import sys, app.cli; print(*sys.modules)"
HEAVY = {"typer", "pydantic", "app.settings", "app.commands", "app.main"}


def ended(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command, environment = [sys.executable, *arguments], {"PATH": os.environ["PATH"], **WRONG}
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
