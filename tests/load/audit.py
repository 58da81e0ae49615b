"""What the audit log costs: `record` per transaction, and the sealer beside the writers it must keep up with.

`python -m tests.load.audit [--history 1000000]` starts a PostgreSQL of its own, that really syncs. Ratios
hold, absolute figures are this machine's.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import AuditKey
from app.audit.events import AuditAction, AuditEvent
from app.audit.sealing import Sealer
from app.audit.service import record
from app.audit.verification import verify_log
from app.core.db import Database, Tenant
from app.core.ids import new_id
from app.core.logging import configure_logging
from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, bootstrap
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.postgres import start_postgres
from app.settings import Settings, load_settings

ROUNDS = 1500
WRITERS = 8
SLICES = 10
WRITES_EACH = 50
BACKLOG = 20_000
CHAINS = 200
# The smallest action that is worth an entry: one row changed.
ACTION = text("UPDATE users SET last_login = now() WHERE id = :id")
ADD_USER = text(
    "INSERT INTO users (id, username, email, hashed_password, role, is_active, is_verified)"
    " VALUES (:id, :name, :email, '', 'user', true, true)"
)
# As `record` would have written them, over many organisations; ids grow with the time, as ours do.
ADD_BACKLOG = """
INSERT INTO audit_entries (id, organization_id, action, actor_kind, actor_id, address, details)
SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7000' || substr(md5(random()::text), 1, 16))::uuid,
       ('00000000-0000-4000-8000-' || lpad((n %% %d)::text, 12, '0'))::uuid,
       'token_refresh', 'user', gen_random_uuid(), '192.0.2.1', '{"device": "a browser"}'
FROM generate_series(1, %d) AS n
"""
# Sealed long ago, by another key: only their number matters to the sealer.
ADD_HISTORY = """
INSERT INTO audit_seals (organization_id, seq, entry_id, prev_hash, hash, mac)
SELECT '00000000-0000-4000-9000-000000000000', row_number() OVER (), id, '', sha256(id::text::bytea), ''
FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_unsealed); DELETE FROM audit_unsealed; ANALYZE
"""
Step = Callable[[AsyncSession, Tenant], Awaitable[None]]


@contextmanager
def served() -> Iterator[tuple[Settings, str]]:
    """Settings for a migrated database, and its superuser's DSN."""
    with tempfile.TemporaryDirectory(prefix="precis-load-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        account = server_account()
        server = start_postgres(find_binaries(account, path / "bin"), path / "postgres", account)
        try:
            passwords = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")
            urls = asyncio.run(bootstrap(server.url(), database="precis", passwords=passwords))
            settings = load_settings(
                environment="testing",
                database_url=urls.rw,
                migration_database_url=urls.owner,
                db_pool_size=10,
                log_level="WARNING",
            )
            configure_logging(settings)
            command.upgrade(alembic_config(settings.migration_database_url), "head")
            yield settings, server.url("precis").replace("postgresql:", "postgresql+asyncpg:")
        finally:
            server.stop()


async def cost_of_record(database: Database) -> dict[str, float]:
    """One at a time and with eight writers: the same transaction with and without an entry, by turns."""
    tenant, *others = [await _user(database, number) for number in range(WRITERS + 1)]
    times: dict[Step, list[float]] = {plain: [], recorded: []}
    for number in range(ROUNDS):
        for step in (plain, recorded) if number % 2 else (recorded, plain):
            times[step].append(await _timed(database, tenant, step))
    bare, with_entry = (statistics.median(times[step]) for step in (plain, recorded))
    rates: dict[Step, list[float]] = {plain: [], recorded: []}
    for number in range(SLICES):
        for step in (plain, recorded) if number % 2 else (recorded, plain):
            rates[step].append(await _rate(database, others, step))
    plain_rate, recorded_rate = (statistics.median(rates[step]) for step in (plain, recorded))
    return {
        "transaction_ms": round(bare, 3),
        "with_entry_ms": round(with_entry, 3),
        "entry_ms": round(with_entry - bare, 3),
        "with_entry_to_plain": round(with_entry / bare, 3),
        "eight_writers_per_second": round(plain_rate),
        "eight_writers_with_entry_per_second": round(recorded_rate),
        "eight_writers_with_entry_to_plain": round(recorded_rate / plain_rate, 3),
    }


async def _user(database: Database, number: int) -> Tenant:
    tenant = Tenant(new_id(), new_id())
    async with database.transaction(tenant) as session:
        values = {"id": tenant.user_id, "name": f"load{number}", "email": f"load{number}@example.com"}
        await session.execute(ADD_USER, values)
    return tenant


async def plain(session: AsyncSession, tenant: Tenant) -> None:
    await session.execute(ACTION, {"id": tenant.user_id})


async def recorded(session: AsyncSession, tenant: Tenant) -> None:
    await plain(session, tenant)
    event = AuditEvent(
        AuditAction.TOKEN_REFRESH,
        organization_id=tenant.organization_id,
        actor_kind="user",
        actor_id=tenant.user_id,
        credential_id=tenant.user_id,
        address="192.0.2.1",
        details={"device": "a browser"},
    )
    await record(session, event)


async def _timed(database: Database, tenant: Tenant, step: Step) -> float:
    began = time.perf_counter()
    async with database.transaction(tenant) as session:
        await step(session, tenant)
    return (time.perf_counter() - began) * 1000


async def _rate(database: Database, tenants: Sequence[Tenant], step: Step) -> float:
    """Transactions a second of as many writers as there are tenants, each with rows of its own."""

    async def write(tenant: Tenant) -> None:
        for _ in range(WRITES_EACH):
            await _timed(database, tenant, step)

    began = time.perf_counter()
    await asyncio.gather(*(write(tenant) for tenant in tenants))
    return len(tenants) * WRITES_EACH / (time.perf_counter() - began)


async def sealing(settings: Settings, superuser: Database, *, key: AuditKey) -> dict[str, float]:
    async with superuser.transaction() as session:
        await session.execute(text(ADD_BACKLOG % (CHAINS, BACKLOG)))
    database = Database.from_settings(settings)
    sealer, sealed, began = Sealer(database, key), 0, time.perf_counter()
    while added := await sealer.round():
        sealed += added
    seconds = time.perf_counter() - began
    await database.dispose()
    return {"sealed": sealed, "sealed_per_second": round(sealed / seconds)}


async def add_history(superuser: Database, *, rows: int) -> None:
    async with superuser.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(text(ADD_BACKLOG % (1, rows)))
        for statement in ADD_HISTORY.split(";"):
            await session.execute(text(statement))


async def measure(settings: Settings, superuser_url: str, *, history: int) -> dict[str, object]:
    patient = settings.model_copy(update={"db_statement_timeout_seconds": 3600})
    database = Database.from_settings(settings)
    superuser = Database.from_settings(patient, url=superuser_url)
    key = AuditKey.from_settings(settings)
    found: dict[str, object] = {"record": await cost_of_record(database)}
    found["sealing"] = await sealing(settings, superuser, key=key)
    began = time.perf_counter()
    lines: list[str] = []
    await verify_log(settings, lines.append)
    found["verifying"] = {"seconds": round(time.perf_counter() - began, 2), "said": lines}
    if history:
        await add_history(superuser, rows=history)
        found[f"sealing_after_{history}"] = await sealing(settings, superuser, key=key)
    await database.dispose()
    await superuser.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=int, default=0, help="sealed entries that are already there")
    arguments = parser.parse_args()
    with served() as (settings, superuser_url):
        found = asyncio.run(measure(settings, superuser_url, history=arguments.history))
    print(json.dumps(found, indent=2))  # noqa: T201  # a script's result


if __name__ == "__main__":
    main()
