"""What words find is of the moment in which the statement began: it shows the same rows itself.

What the function found and the statement did not see was missing on its page, which was taken for the last.
"""

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import Person
from tests.summaries.search.corpus import shelve

pytestmark = pytest.mark.integration

HOLD = text("SELECT pg_advisory_xact_lock(52)")
# The statement has begun; it looks for the word when the lock is let go.
ASK = text("""
SELECT found.summary_id::text FROM (SELECT pg_advisory_xact_lock(52)::text AS done OFFSET 0) held, LATERAL (
    SELECT f.summary_id FROM find_summaries(CAST(:wanted AS jsonb), :sorted, NULL, NULL, NULL, 21) f
    WHERE held.done IS NOT NULL OFFSET 0) found
""")
WANTED = '{"terms": ["bridge"], "without": [], "labels": [], "without_labels": []}'
IS_HELD_UP = text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "relevance"])
async def test_what_is_written_after_the_statement_began_is_not_found(
    app: FastAPI, alice: Person, sort: str
) -> None:
    database, tenant = app.state.database, Tenant(alice.organization_id, alice.user_id)

    async def ask() -> list[str]:
        async with database.transaction(tenant) as session:
            return list(await session.scalars(ASK, {"wanted": WANTED, "sorted": sort}))

    before = await shelve(app, alice, "Bridge")
    async with database.transaction() as holding:
        await holding.execute(HOLD)
        asked = asyncio.create_task(ask())
        async with asyncio.timeout(10), database.transaction() as watching:
            while not await watching.scalar(IS_HELD_UP):  # noqa: ASYNC110  # PostgreSQL tells nobody
                await asyncio.sleep(0.01)
        after = await shelve(app, alice, "Bridge")
    assert await asked == [before]
    assert sorted(await ask()) == sorted([before, after])
