"""PostgreSQL and Valkey of a growth run, and the settings of an application for each of its databases."""

import asyncio
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic import command

from app.core.logging import configure_logging
from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, bootstrap
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.postgres import PostgresServer, start_postgres
from app.local.valkey import start_valkey
from app.settings import Settings, load_settings

# As a server of its own is given: a quarter of the machine. `./run` starts one for a laptop.
BUFFERS = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 4 // 2**20}MB"
SETUP = {"shared_buffers": BUFFERS, "max_wal_size": "6GB", "checkpoint_timeout": "15min", "autovacuum": "off"}


@dataclass(frozen=True, slots=True)
class Servers:
    folder: Path
    postgres: PostgresServer
    redis_url: str

    def settings(self, database: str) -> tuple[Settings, str]:
        """Of a migrated database, and its superuser's DSN."""
        passwords = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")
        urls = asyncio.run(bootstrap(self.postgres.url(), database=database, passwords=passwords))
        settings = load_settings(
            environment="testing",
            database_url=urls.rw,
            migration_database_url=urls.owner,
            redis_url=self.redis_url,
            jwt_keys_dir=self.folder / "keys",
            rate_limit_scale=100_000,
            db_statement_timeout_seconds=60,
            log_level="WARNING",
        )
        configure_logging(settings)
        command.upgrade(alembic_config(settings.migration_database_url), "head")
        return settings, self.postgres.url(database)


def start(stack: ExitStack) -> Servers:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="precis-growth-")))
    folder.chmod(0o755)
    account = server_account()
    binaries = find_binaries(account, folder / "bin")
    postgres = start_postgres(binaries, folder / "postgres", account)
    try:
        asyncio.run(_configure(postgres.url()))
    finally:
        postgres.stop()
    postgres = start_postgres(binaries, folder / "postgres", account)
    stack.callback(postgres.stop)
    valkey = start_valkey(binaries, folder / "valkey", account)
    stack.callback(valkey.stop)
    return Servers(folder, postgres, valkey.url)


async def _configure(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name, value in SETUP.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()
