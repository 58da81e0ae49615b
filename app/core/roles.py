"""The database roles, made once with a superuser's DSN by `precis db bootstrap` (decision 0004).

`app_owner` owns the schema and migrates. `app_rw` serves: it owns nothing and cannot bypass
row-level security.
`app_search` cannot log in; it owns the SECURITY DEFINER functions that look across tenants (decision 0008).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

LOGIN_ROLES = ("app_owner", "app_rw")
ATTRIBUTES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"


@dataclass(frozen=True, slots=True)
class RolePasswords:
    owner: str
    rw: str


@dataclass(frozen=True, slots=True)
class RoleUrls:
    """DSNs for DATABASE_URL (and WORKER_DATABASE_URL) and MIGRATION_DATABASE_URL."""

    rw: str
    owner: str


async def bootstrap(superuser_url: str, *, database: str, passwords: RolePasswords) -> RoleUrls:
    """Safe to repeat: an existing role gets the given password, an existing database stays."""
    connection = await asyncpg.connect(_plain(superuser_url))
    try:
        # Roles belong to the whole server: two that bootstrap at once would trip over each other.
        await connection.execute("SELECT pg_advisory_lock(7041777)")
        await _create_roles(connection, passwords)
        await _create_database(connection, database)
    finally:
        await connection.close()
    await _grant(_plain(superuser_url, database=database))
    return RoleUrls(
        rw=_plain(superuser_url, database=database, user="app_rw", password=passwords.rw),
        owner=_plain(superuser_url, database=database, user="app_owner", password=passwords.owner),
    )


async def _create_roles(connection: Any, passwords: RolePasswords) -> None:  # Any: asyncpg is untyped
    secrets = dict(zip(LOGIN_ROLES, (passwords.owner, passwords.rw), strict=True))
    for role, password in secrets.items():
        if not await _exists(connection, role):
            await connection.execute(f"CREATE ROLE {role}")
        literal = await connection.fetchval("SELECT quote_literal($1)", password)
        await connection.execute(f"ALTER ROLE {role} LOGIN NOBYPASSRLS {ATTRIBUTES} PASSWORD {literal}")
    if not await _exists(connection, "app_search"):
        await connection.execute("CREATE ROLE app_search")
    await connection.execute(f"ALTER ROLE app_search NOLOGIN BYPASSRLS {ATTRIBUTES}")
    await connection.execute("GRANT app_search TO app_owner")


async def _exists(connection: Any, role: str) -> bool:  # Any: asyncpg is untyped
    return await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role) is True


async def _create_database(connection: Any, database: str) -> None:  # Any: asyncpg is untyped
    if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database) is None:
        name = await connection.fetchval("SELECT quote_ident($1)", database)
        await connection.execute(f"CREATE DATABASE {name} OWNER app_owner ENCODING 'UTF8' TEMPLATE template0")


async def _grant(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(GRANTS)
    finally:
        await connection.close()


GRANTS = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO app_owner, app_search;
GRANT USAGE ON SCHEMA public TO app_rw;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app_rw;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public GRANT SELECT ON TABLES TO app_search;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO app_rw;
"""


def _plain(url: str, *, database: str | None = None, user: str | None = None, password: str = "") -> str:
    """The DSN in libpq's form, with another database or user where one is given."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{user}:{quote(password, safe='')}@{place}" if user else parts.netloc
    path = f"/{database}" if database else parts.path
    return urlunsplit(("postgresql", netloc, path, parts.query, ""))
