"""The fleet's programs that do not come from PyPI: Debian packages of the same names."""

import os
import shutil

PROGRAMS = ("nginx", "pgbouncer", "prometheus", "prometheus-alertmanager")
# nginx and pgbouncer lie where an ordinary account's PATH does not look.
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class MissingProgramsError(Exception):
    """The message names each, and what to install."""


def found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PLACES}")


def missing() -> list[str]:
    return [name for name in PROGRAMS if found(name) is None]


def program(name: str) -> str:
    """Raises MissingProgramsError."""
    path = found(name)
    if path is None:
        raise MissingProgramsError(f"{name} is not installed: apt-get install {name}")
    return path


def require_all() -> None:
    """Raises MissingProgramsError."""
    if names := missing():
        raise MissingProgramsError(f"not installed: {', '.join(names)}; apt-get install {' '.join(names)}")
