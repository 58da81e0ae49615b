"""The kept counts: exact at any moment, under rollbacks, crowds and folding, and equal to a scan."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin import store
from app.admin.store import fold_tallies, read_tallies
from app.core.db import Database, Tenant
from app.core.ids import new_id
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.tenant_rows import WRITES
from tests.test_isolation import of, tenant_of

pytestmark = pytest.mark.integration

SCANNED = """
SELECT 'summaries' AS subject, CASE WHEN deleted_at IS NULL THEN status ELSE 'trashed' END AS state, count(*)
FROM summaries GROUP BY 1, 2
UNION ALL SELECT 'users', role || '/' || CASE WHEN is_active THEN 'active' ELSE 'inactive' END, count(*)
FROM users GROUP BY 1, 2
UNION ALL SELECT 'organizations', plan || '/in_service', count(*) FROM organizations GROUP BY 1, 2
UNION ALL SELECT 'jobs', status::text, count(*) FROM procrastinate_jobs WHERE status = 'todo' GROUP BY 1, 2
"""
SET_STATUS = "UPDATE summaries SET status = :status, failure_reason = :reason WHERE id = :id"


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


async def kept(database: Database) -> Mapping[tuple[str, str], int]:
    async with database.transaction() as session:
        return {key: many for key, many in (await read_tallies(session)).counts.items() if many}


async def scanned(urls: DatabaseUrls) -> Mapping[tuple[str, str], int]:
    return {(row["subject"], row["state"]): row["count"] for row in await ask(urls.superuser, SCANNED)}


async def add_summary(session: AsyncSession, person: Person) -> dict[str, Any]:  # Any: column values
    row = dict(of(person))
    await session.execute(text(WRITES["summaries"]), row)
    return row


async def fail(session: AsyncSession, row: dict[str, Any], reason: str) -> None:  # Any: as above
    values = {"id": row["id"], "status": "failed", "reason": reason}
    await session.execute(text(SET_STATUS), values)


async def test_what_is_rolled_back_was_never_counted(database: Database, alice: Person) -> None:
    before = await kept(database)
    async with database.open(tenant_of(alice)) as session:
        await add_summary(session, alice)
        await session.rollback()
    assert await kept(database) == before


async def test_nor_what_a_savepoint_took_back(database: Database, alice: Person) -> None:
    async with database.transaction(tenant_of(alice)) as session:
        await add_summary(session, alice)
        nested = await session.begin_nested()
        await add_summary(session, alice)
        await nested.rollback()
    assert (await kept(database))["summaries", "queued"] == 1


async def test_counts_follow_every_way_in_and_out(
    database: Database, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    async with database.transaction(tenant_of(alice)) as session:
        rows = [await add_summary(session, alice) for _ in range(4)]
        await session.execute(text(SET_STATUS), {"id": rows[0]["id"], "status": "ready", "reason": None})
        trash = "UPDATE summaries SET deleted_at = now() WHERE id = :id"
        await session.execute(text(trash), {"id": rows[1]["id"]})
        await session.execute(text("DELETE FROM summaries WHERE id = :id"), {"id": rows[2]["id"]})
        await session.execute(text("UPDATE users SET is_active = false"))
    await factory.person("dora")
    assert await kept(database) == await scanned(database_urls)


async def test_what_goes_with_its_organisation_is_uncounted(
    database: Database, factory: Factory, alice: Person
) -> None:
    before = await kept(database)
    gone = await factory.person("dora")
    async with database.transaction(tenant_of(gone)) as session:
        for _ in range(3):
            await add_summary(session, gone)
        await session.execute(text("DELETE FROM organizations"))
        await session.execute(text("DELETE FROM users WHERE id = :id"), {"id": gone.user_id})
    assert await kept(database) == before
    assert alice.user_id != gone.user_id


async def test_folding_changes_where_it_stands_and_not_what_it_says(
    database: Database, alice: Person, database_urls: DatabaseUrls
) -> None:
    before = await kept(database)
    assert await fold_tallies(database) > 0
    assert await kept(database) == before
    assert await ask(database_urls.superuser, "SELECT FROM tally_moves") == []
    assert await fold_tallies(database) == 0
    assert alice.username == "alice"


async def test_a_long_absence_is_folded_in_steps(database: Database, alice: Person) -> None:
    async with database.transaction(tenant_of(alice)) as session:
        for _ in range(5):
            await add_summary(session, alice)
    before = await kept(database)
    assert await fold_tallies(database, at_most=2) >= 5
    assert await kept(database) == before


async def test_counts_are_exact_while_many_write_and_two_fold(
    database: Database, alice: Person, database_urls: DatabaseUrls
) -> None:
    # As many as the pool has connections: who waits for one for too long is refused it.
    at_once = asyncio.Semaphore(10)

    async def write(number: int) -> None:
        async with at_once, database.open(tenant_of(alice)) as session:
            row = await add_summary(session, alice)
            await fail(session, row, "timeout")
            await (session.rollback() if number % 3 == 0 else session.commit())

    async def fold() -> int:
        async with at_once:
            return await fold_tallies(database)

    async def look() -> int:
        async with at_once:
            return (await kept(database)).get(("summaries", "queued"), 0)

    folding = [fold() for _ in range(6)]
    looking = [look() for _ in range(6)]
    results = await asyncio.gather(*(write(number) for number in range(30)), *folding, *looking)
    assert results[-6:] == [0] * 6
    assert (await kept(database))["summaries", "failed"] == 20
    assert (await scanned(database_urls)).items() <= (await kept(database)).items()


async def test_failures_are_counted_by_day_and_reason_without_the_cancelled(
    database: Database, alice: Person
) -> None:
    async with database.transaction(tenant_of(alice)) as session:
        for reason in ("timeout", "timeout", "dns", "cancelled"):
            await fail(session, await add_summary(session, alice), reason)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    found = {
        state: many for (subject, state), many in (await kept(database)).items() if subject == "failures"
    }
    assert found == {f"{today}/summary/timeout": 2, f"{today}/summary/dns": 1}


async def test_failures_of_last_week_are_forgotten(database: Database) -> None:
    days = [f"{datetime.now(UTC) - timedelta(days=age):%Y-%m-%d}/summary/dns" for age in (0, 6, 9)]
    async with database.transaction() as session:
        for day in days:
            add = "INSERT INTO tally_moves VALUES ('failures', NULL, :state, 1)"
            await session.execute(text(add), {"state": day})
    await fold_tallies(database)
    assert {state for subject, state in await kept(database) if subject == "failures"} == set(days[:2])


async def test_the_dashboard_says_what_a_scan_would(
    client: AsyncClient, database: Database, root: Person, adam: Person, alice: Person
) -> None:
    async with database.transaction(tenant_of(alice)) as session:
        await fail(session, await add_summary(session, alice), "dns")
        await session.execute(text("UPDATE organizations SET suspended_at = now(), plan = 'pro'"))
    async with database.transaction(Tenant()) as session:
        await session.execute(text("UPDATE users SET is_active = false WHERE username = 'alice'"))
    seen = (await client.get("/api/v1/admin/dashboard", headers=root.headers)).json()
    assert (seen["total_users"], seen["active_users"], seen["inactive_users"]) == (3, 2, 1)
    assert seen["users_by_role"] == {"user": 1, "moderator": 0, "admin": 1, "super_admin": 1}
    plans = {"free": 2, "pro": 1, "enterprise": 0}
    assert seen["organizations"] == {"total": 3, "suspended": 1, "deleted": 0, "by_plan": plans}
    assert seen["summaries_by_status"] == {"failed": 1}
    assert seen["errors_today"] == {"total": 1, "summaries": {"dns": 1}, "jobs": {}}
    assert seen["queue"] == {"waiting": 0, "running": 0, "failed": 0, "oldest_waiting_seconds": None}
    assert adam.user_id != new_id()


async def test_the_dashboard_scans_no_big_table(
    database: Database, root: Person, database_urls: DatabaseUrls
) -> None:
    assert root.username == "root"
    async with database.transaction() as session:
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {store.READ.text}")))
    assert "tally_moves" in plan
    assert not any(f"on {table}" in plan for table in ("users", "summaries", "organizations"))
    assert await ask(database_urls.superuser, "SELECT FROM tallies") == []
