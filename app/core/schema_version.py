"""Whether the database's schema is the one that this code was written for.

The migrations are read as text: alembic, with all that it imports, is for whoever runs them.
"""

import re
from functools import cache
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "alembic" / "versions"
NAMED = re.compile(r"""^(down_revision|revision)\b[^=\n]*= *["']([^"']+)["']""", re.MULTILINE)


class StaleSchemaError(Exception):
    """The process must not serve; the message says what to run."""


@cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """All, and those that another one follows. Read once: the files belong to the code that is running."""
    found = [match for file in VERSIONS.glob("*.py") for match in NAMED.findall(file.read_text("utf-8"))]
    known, followed = (
        frozenset(revision for kind, revision in found if kind == name)
        for name in ("revision", "down_revision")
    )
    return known, followed


def newest_revision() -> str:
    known, followed = _revisions()
    (newest,) = known - followed
    return newest


def known_revisions() -> frozenset[str]:
    return _revisions()[0]


class Versioned(Protocol):
    """The `Database`, whose module is no small thing to import."""

    async def revision(self) -> str | None: ...


class SchemaVersion:
    def __init__(self, database: Versioned) -> None:
        self._database = database
        self._expected, self._known = newest_revision(), known_revisions()

    async def is_ahead(self) -> bool:
        """A later release has migrated: there is nothing that this code could bring it to, and no need."""
        found = await self._database.revision()
        return found is not None and found not in self._known

    async def check(self) -> None:
        """Raises StaleSchemaError, or what the driver raises when the database is out of reach.

        A revision that this code does not know is a later release's: that one migrates while this one still
        serves, and adds only what this one can do without (docs/operations.md, Migrations).
        """
        found = await self._database.revision()
        if found is None or (found in self._known and found != self._expected):
            raise StaleSchemaError(
                f"the database's schema is at {found or 'no revision'}, this code needs {self._expected}: "
                "run `precis migrate`"
            )
