"""Where the schema of a database stands, asked without alembic and all that it imports."""

import asyncpg

from app.settings_parsing import to_libpq_url

ANSWER_SECONDS = 5


async def revision_of(url: str) -> str | None:
    """None where no migration ever ran, or where nobody answers: migrating says why."""
    try:
        connection = await asyncpg.connect(to_libpq_url(url), timeout=ANSWER_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found
