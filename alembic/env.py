"""How migrations connect: MIGRATION_DATABASE_URL (the owner), else DATABASE_URL; one transaction each."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.models import metadata
from app.settings import get_settings

LOCK_TIMEOUT = "SET lock_timeout = '5s'"
LIBRARY_TABLES = ("procrastinate_",)


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """The queue's tables belong to its library and are left out of the comparison."""
    return not (kind == "table" and name is not None and name.startswith(LIBRARY_TABLES))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run(url: str) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(LOCK_TIMEOUT))
        await connection.commit()
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


def main() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    settings = get_settings()
    url = context.config.attributes.get("url") or settings.migration_database_url or settings.database_url
    asyncio.run(connect_and_run(url))


main()
