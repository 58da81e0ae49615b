"""What `precis doctor` and `precis backup` ask the database of itself."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SERVER = text(
    "SELECT current_setting('server_version_num')::integer AS version, clock_timestamp() AS now,"
    " r.rolsuper OR r.rolbypassrls AS sees_all,"
    " EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user) AS owns_tables"
    " FROM pg_roles r WHERE r.rolname = current_user"
)
UNPROTECTED = text(
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    " AND a.attname = 'organization_id' AND NOT a.attisdropped"
    " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`version` as PostgreSQL numbers it: 150004. `sees_all`: policies do not bind this role."""

    version: int
    now: datetime
    sees_all: bool
    owns_tables: bool


async def server_facts(connection: AsyncConnection) -> ServerFacts:
    return ServerFacts(*(await connection.execute(SERVER)).one())


async def unprotected_tables(connection: AsyncConnection) -> list[str]:
    """Of those that hold tenants' rows, the ones without forced row-level security."""
    return list((await connection.execute(UNPROTECTED)).scalars())


# The rest is for psycopg: `precis backup` is no part of the service.
TABLES = SQL(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
)
DIGEST = SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t")


def table_digest(table: str) -> Composed:
    """Its number of rows, and the sum of their hashes."""
    return DIGEST.format(Identifier(table))
