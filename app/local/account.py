"""Which account the servers run under: PostgreSQL refuses root, so as root they get an unprivileged one."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")


class LocalServerError(Exception):
    """Something an operator can mend; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int


def server_account() -> Account | None:
    """None: the one we run as already will do."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LocalServerError(
        f"as root, one of the accounts {' or '.join(UNPRIVILEGED)} is needed for PostgreSQL"
    )


def reachable_by_others(path: Path) -> bool:
    """Whether an unprivileged account can walk down to it, as far as it exists."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in [path, *path.parents] if parent.exists())


def public_directory(path: Path) -> Path:
    """Makes it and what is missing above it 0755, whatever our umask: the servers' account walks through."""
    missing = [parent for parent in [path, *path.parents] if not parent.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in missing:
        made.chmod(0o755)
    return path


def own_directory(path: Path, account: Account | None) -> None:
    """Makes a 0700 directory of the servers' account. Raises LocalServerError where it is another's."""
    owner = account.uid if account else os.geteuid()
    if not path.exists():
        public_directory(path.parent)
        path.mkdir(mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid)
    elif path.stat().st_uid != owner:
        raise LocalServerError(
            f"{path} belongs to uid {path.stat().st_uid}, not {owner}: run as before, or set PRECIS_DATA_DIR"
        )


def private_file(path: Path, text: str, account: Account | None) -> Path:
    """Written anew, 0600, for the servers' account to read. Lies in a directory that is ours."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if account:
            os.fchown(descriptor, account.uid, account.gid)
    return path
