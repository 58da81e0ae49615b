"""Where the processes of one gunicorn share their counters, as files that each has mapped."""

import hashlib
import os
import stat
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  # what we make in it is ours alone, or is not used
NAME_CHARACTERS = 12


def metrics_folder(data_dir: Path, port: int, *, memory: Path = MEMORY) -> Path:
    """In memory where there is some: on a full disk, writing to a mapped page kills the process (SIGBUS).

    Else below `data_dir`. The folder itself need not exist yet.
    """
    return metrics_home(data_dir, memory=memory) / str(port)


def metrics_home(data_dir: Path, *, memory: Path = MEMORY) -> Path:
    """Of all services with these data; whoever throws the data away deletes it too."""
    on_disk = data_dir.resolve() / "metrics"
    ours = memory / f"precis-{os.geteuid()}"
    if not _is_ours(ours):
        return on_disk
    # Two services of one account may use the same port, on different addresses.
    return ours / hashlib.sha256(os.fsencode(on_disk)).hexdigest()[:NAME_CHARACTERS]


def _is_ours(folder: Path) -> bool:
    """Made now or found; in a folder that all may write, somebody may have laid a link under our name."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
