"""Of PostgreSQL: its version and role, the walls between tenants, the schema, the queue, the clock."""

from collections.abc import Callable
from datetime import datetime

from app.core.db import Database
from app.core.schema_version import SchemaVersion, StaleSchemaError
from app.operations.findings import Finding, fault, sound, warning
from app.operations.queries import server_facts, unprotected_tables
from app.worker.queries import queue_facts

OLDEST_VERSION = 15
# Access tokens are refused beyond 30 s; half of that is worth a word.
CLOCK_WARNING_SECONDS = 2.0
CLOCK_FAULT_SECONDS = 15.0
# The objective for freshness.
WAITING_WARNING_SECONDS = 30.0


async def check_database(database: Database) -> list[Finding]:
    async with database.engine.connect() as connection:
        facts = await server_facts(connection)
        unprotected = await unprotected_tables(connection)
    major = facts.version // 10_000
    found = [sound("database", f"PostgreSQL {major} answers")]
    if major < OLDEST_VERSION:
        found = [fault("database", f"PostgreSQL {major}", f"Use {OLDEST_VERSION} or later.")]
    return [*found, *_role(sees_all=facts.sees_all, owns_tables=facts.owns_tables), *_walls(unprotected)]


def _role(*, sees_all: bool, owns_tables: bool) -> list[Finding]:
    if sees_all:
        return [
            fault(
                "database role",
                "DATABASE_URL is a superuser's, or one's that bypasses row-level security",
                "Use app_rw, which `precis db bootstrap` makes: tenants could see each other.",
            )
        ]
    if owns_tables:
        return [
            warning(
                "database role",
                "DATABASE_URL is the owner's of the tables",
                "Where the server allows it, use app_rw; a single role has the forced policies alone.",
            )
        ]
    return [sound("database role", "owns nothing and sees one tenant at a time")]


def _walls(unprotected: list[str]) -> list[Finding]:
    if not unprotected:
        return [sound("tenants", "every table of theirs is under forced row-level security")]
    names = ", ".join(unprotected)
    return [fault("tenants", f"no forced row-level security on {names}", "Run `precis migrate`.")]


async def check_schema(database: Database) -> list[Finding]:
    try:
        await SchemaVersion(database).check()
    except StaleSchemaError as error:
        return [fault("schema", str(error), "Run `precis migrate` with MIGRATION_DATABASE_URL.")]
    return [sound("schema", "is the one that this code needs")]


async def check_queue(database: Database) -> list[Finding]:
    async with database.transaction() as session:
        facts = await queue_facts(session)
    found = [sound("workers", f"{facts.workers} with a heartbeat of the last 30 s")]
    if not facts.workers:
        found = [fault("workers", "no heartbeat within 30 s", "Start `precis worker`.")]
    if facts.oldest_seconds > WAITING_WARNING_SECONDS:
        text = f"{facts.waiting} jobs wait, the oldest for {facts.oldest_seconds:.0f} s"
        found.append(warning("queue", text, "Start more workers, or see what these are doing."))
    else:
        found.append(sound("queue", f"{facts.waiting} jobs wait"))
    if facts.failed:
        advice = "GET /api/v1/admin/jobs lists them; retry them there once the cause is mended."
        found.append(warning("failed jobs", f"{facts.failed} have been given up", advice))
    return found


async def check_clock(database: Database, *, now: Callable[[], datetime]) -> list[Finding]:
    async with database.engine.connect() as connection:
        before = now()
        facts = await server_facts(connection)
        after = now()
    # The server's moment lies between ours: what is outside of that is a difference of the clocks.
    ahead = max((facts.now - after).total_seconds(), (before - facts.now).total_seconds(), 0.0)
    text = f"this machine and PostgreSQL differ by {ahead:.1f} s"
    if ahead > CLOCK_FAULT_SECONDS:
        return [fault("clock", text, "Run chrony or systemd-timesyncd on both: tokens will be refused.")]
    if ahead > CLOCK_WARNING_SECONDS:
        return [warning("clock", text, "Run chrony or systemd-timesyncd on both.")]
    return [sound("clock", text)]
