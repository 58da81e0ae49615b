"""Where `./run` keeps what it made, and that only one of them uses it at a time."""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.core.metrics_folder import metrics_home
from app.local.account import Account, LocalServerError, public_directory, reachable_by_others

SHARED_STATE = Path("/var/lib/precis")
THROW_AWAY = "precis-demo-"


def choose_data_directory(wanted: Path, account: Account | None) -> Path:
    """`wanted`, or where the servers' account cannot reach that, a place of its own below /var/lib/precis."""
    wanted = wanted.resolve()
    if account is None or reachable_by_others(wanted):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return SHARED_STATE / name


@contextmanager
def throw_away_directory(account: Account | None) -> Iterator[Path]:
    """Deleted in the end, with the counters in memory; so is what a killed run left."""
    base = Path(tempfile.gettempdir()).resolve()
    if account and not reachable_by_others(base):
        base = public_directory(SHARED_STATE)
    _delete_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=THROW_AWAY, dir=base))
    folder.chmod(0o755)
    try:
        with occupied(folder):
            yield folder
    finally:
        _delete(folder)


def _delete_abandoned(base: Path) -> None:
    for folder in base.glob(f"{THROW_AWAY}*"):
        ours = not folder.is_symlink() and folder.stat().st_uid == os.geteuid()
        if ours and (folder / "lock").exists():
            with suppress(LocalServerError), occupied(folder):
                _delete(folder)


def _delete(folder: Path) -> None:
    for each in (metrics_home(folder), folder):
        shutil.rmtree(each, ignore_errors=True)


@contextmanager
def occupied(folder: Path) -> Iterator[Path]:
    """Raises LocalServerError while another process holds the directory, or where it cannot be written."""
    try:
        public_directory(folder)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LocalServerError(f"the data directory {folder} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LocalServerError(
            f"another ./run is using {folder}; stop it first, or set PRECIS_DATA_DIR"
        ) from None
    try:
        yield folder
    finally:
        os.close(descriptor)


def kept_secret(path: Path) -> str:
    """Made once, readable by us alone."""
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        unfinished.rename(path)
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise LocalServerError(f"{path} cannot be read: {error.strerror}") from error
