"""The release before the newest migration, from the repository's own history."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from app.core.schema_version import ROOT, newest_revision

NEEDED = ("app", "alembic", "pyproject.toml", "gunicorn.conf.py")
PATIENT = Path("app", "core", "schema_version.py")


class NoHistoryError(Exception):
    """The message says what is missing."""


def former_release(folder: Path) -> Path:
    """Its checkout below `folder`. Raises NoHistoryError."""
    (migration,) = (ROOT / "alembic" / "versions").glob(f"{newest_revision()}_*.py")
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(migration.relative_to(ROOT)))
    if not added:
        raise NoHistoryError(f"{migration.name} is not in the repository's history")
    archive = _git("archive", f"{added.decode().strip()}~1", *NEEDED)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    _let_it_serve(folder)
    return folder


def _let_it_serve(folder: Path) -> None:
    """Releases before the one that brought this test refused every schema but their own."""
    if "known_revisions" not in (folder / PATIENT).read_text("utf-8"):
        shutil.copy2(ROOT / PATIENT, folder / PATIENT)


def _git(*arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise NoHistoryError("git is not installed here")
    command = [git, "-C", str(ROOT), *arguments]
    finished = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # our own arguments
    if finished.returncode:
        raise NoHistoryError(f"git {arguments[0]}: {finished.stderr.decode(errors='replace').strip()}")
    return finished.stdout
