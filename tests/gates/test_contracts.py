"""Each import contract is seen to break: one wrong import in a small tree, and lint-imports names it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "reading", "users", "summaries", "auth", "api_keys")
WRONG = [
    ("app/users/router.py", "import app.summaries", "app.users is not allowed to import app.summaries"),
    ("app/auth/router.py", "import app.api_keys", "app.auth is not allowed to import app.api_keys"),
    ("app/ghosts/__init__.py", "", "- app.ghosts"),
    ("app/users/service.py", "import app.users.router", "app.users.service is not allowed to import"),
    ("app/users/service.py", "import fastapi", "app.users.service is not allowed to import fastapi"),
    ("app/reading/fetch.py", "import app.core.db", "app.reading.fetch is not allowed to import sqlalchemy"),
    ("app/auth/bearer.py", "from jose import jwt", "app is not allowed to import jose"),
    ("app/auth/bearer.py", "import jwt", "app is not allowed to import jwt"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    for room in ROOMS:
        (tmp_path / "app" / room).mkdir(parents=True)
        (tmp_path / "app" / room / "__init__.py").touch()
    settings = (path.stem for path in (ROOT / "app").glob("settings*.py"))
    for name in ("__init__", *settings, "users/router"):
        (tmp_path / "app" / f"{name}.py").touch()
    (tmp_path / "app/core/db.py").write_text("import sqlalchemy", "utf-8")
    return tmp_path


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)  # noqa: S603  # ours


@pytest.mark.parametrize(("path", "line", "message"), WRONG)
def test_wrong_import_is_refused(tree: Path, path: str, line: str, message: str) -> None:
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_text(line, "utf-8")
    done = lint_imports(tree)
    assert done.returncode == 1
    assert message in done.stdout


def test_small_tree_without_a_wrong_import_passes(tree: Path) -> None:
    assert lint_imports(tree).returncode == 0
