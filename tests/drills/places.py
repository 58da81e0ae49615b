"""Where a drill's service keeps its data: on a small disk of its own where we may mount one."""

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_MIB = 1500
MNT_DETACH = 2


@contextmanager
def small_disk() -> Iterator[tuple[Path, bool]]:
    """A folder that the servers' account reaches, and whether it is a disk of its own that may be filled."""
    with tempfile.TemporaryDirectory(prefix="precis-drill-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        mounted = _mount(folder)
        try:
            yield folder, mounted
        finally:
            if mounted:
                ctypes.CDLL(None).umount2(os.fsencode(folder), MNT_DETACH)


def _mount(folder: Path) -> bool:
    """False where the machine does not let us: then no disk is filled."""
    if os.geteuid() != 0:
        return False
    options = f"size={DISK_MIB}m,mode=0755"
    done = subprocess.run(  # noqa: S603  # our own arguments
        ["/usr/bin/mount", "-t", "tmpfs", "-o", options, "precis-drill", folder],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
