"""Which account the servers run under: PostgreSQL refuses root, so as root they get an unprivileged one."""

import os
import pwd
import shutil
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
    """Whether an unprivileged account can walk down to it."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in [path, *path.parents] if parent.exists())


def own_directory(path: Path, account: Account | None) -> None:
    """Makes a 0700 directory that belongs to the servers' account, below one that others may walk through."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if account:
        shutil.chown(path, account.uid, account.gid)
