"""The `precis` command. It imports nothing that the server or the worker would load a second time.

`precis serve` and `precis worker` are those processes from the start, which refuse wrong settings themselves;
everything else is `app/commands.py`, and that knows every slice.
"""

import os
import runpy
import sys
from pathlib import Path
from typing import NoReturn

COMMANDS = "app.commands"
CONFIGURATION = Path(__file__).resolve().parents[1] / "gunicorn.conf.py"
PROCESSES = {
    "serve": ("-m", "gunicorn", "--config", str(CONFIGURATION)),
    "worker": ("-m", "app.worker"),
}
# What its C library is told, unless the operator tells it otherwise.
MEMORY = {
    "serve": {
        # Uploads come and go in one piece: glibc would raise this itself, and never give their memory back.
        "MALLOC_MMAP_THRESHOLD_": str(1024 * 1024),
        # So do the 19 MiB of a password's hash: as small pages they are 4,900 faults, a quarter of its time.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    },
    "worker": {},
}


def become(process: str) -> NoReturn:
    """Replaces this process, so that signals reach the server itself."""
    for name, value in MEMORY[process].items():
        os.environ.setdefault(name, value)
    os.execv(sys.executable, [sys.executable, *PROCESSES[process]])  # noqa: S606  # our own interpreter


def main() -> None:
    match sys.argv[1:]:
        case [process] if process in PROCESSES:
            become(process)
        case _:
            runpy.run_module(COMMANDS, run_name="__main__")


if __name__ == "__main__":
    main()
