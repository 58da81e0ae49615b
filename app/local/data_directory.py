"""Where `./run` keeps what it made, and that only one of them uses it at a time."""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local.account import Account, LocalServerError, reachable_by_others

SHARED_STATE = Path("/var/lib/precis")


def choose_data_directory(wanted: Path, account: Account | None) -> Path:
    """`wanted`, or where the servers' account cannot reach that, a place of its own below /var/lib/precis."""
    wanted = wanted.resolve()
    if account is None or reachable_by_others(wanted):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return SHARED_STATE / name


@contextmanager
def throw_away_directory() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="precis-demo-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def occupied(folder: Path) -> Iterator[Path]:
    """Raises LocalServerError while another process holds the directory, or where it cannot be written."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LocalServerError(f"the data directory {folder} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError:
        raise LocalServerError(
            f"another ./run is using {folder}; stop it first, or set PRECIS_DATA_DIR"
        ) from None
    finally:
        os.close(descriptor)


def kept_secret(path: Path) -> str:
    """Made once, readable by us alone."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")
