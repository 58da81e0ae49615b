"""Whether the database's schema is the one that this code was written for."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.core.db import Database

ROOT = Path(__file__).resolve().parents[2]


class StaleSchemaError(Exception):
    """The process must not serve; the message says what to run."""


def alembic_config(url: str | None = None) -> Config:
    """`url` overrides MIGRATION_DATABASE_URL."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config


@cache
def newest_revision() -> str | None:
    """Read from the files once: they belong to the code that is running."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


@cache
def known_revisions() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


class SchemaVersion:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._expected, self._known = newest_revision(), known_revisions()

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
