"""What is kept of each shelf's number: exact at any moment, and equal to a scan."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.summaries.counting.repository import ShelfCounts
from app.summaries.counting.store import count_shelves
from app.summaries.counting.tasks import tally_shelves
from app.summaries.filters import Filters
from app.summaries.vocabulary import Status, Visibility
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.search.corpus import shelve
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH
from tests.test_isolation import tenant_of
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

NOW, LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
# What can become of a summary.
CHANGES = (
    "UPDATE summaries SET archived_at = now() WHERE id = :id",
    "UPDATE summaries SET archived_at = NULL WHERE id = :id",
    "UPDATE summaries SET deleted_at = now() WHERE id = :id",
    "UPDATE summaries SET deleted_at = NULL, title = 'back' WHERE id = :id",
    "UPDATE summaries SET visibility = 'organization' WHERE id = :id",
    "UPDATE summaries SET visibility = 'private' WHERE id = :id",
    "UPDATE summaries SET status = 'failed' WHERE id = :id",
    "UPDATE summaries SET status = 'fetching' WHERE id = :id",
    "UPDATE summaries SET status = 'ready', favourite = NOT favourite WHERE id = :id",
    "UPDATE summaries SET favourite = true, archived_at = now() WHERE id = :id",
    "DELETE FROM summaries WHERE id = :id",
)
SHELVES = [
    Filters(archived=archived, visibility=shown, status=status, favourite=favourite)
    for archived in (True, False, None)
    for shown in (*Visibility, None)
    for status in (Status.READY, Status.FAILED, Status.FETCHING, None)
    for favourite in (True, False, None)
]
FROM_BEFORE = ("DELETE FROM shelf_tallies", "UPDATE organizations SET shelf_tallied = false")
# As the release before 0051 left them, added up or not.
BY_SHELF = """
WITH gone AS (DELETE FROM shelf_tallies RETURNING *)
INSERT INTO shelf_tallies (organization_id, reader, archived, many, folded)
SELECT organization_id, reader, archived, sum(many), {folded} FROM gone GROUP BY 1, 2, 3
"""
TALLIES = "SELECT * FROM shelf_tallies"


async def counts(app: FastAPI, person: Person, **also: Any) -> list[int]:  # Any: filters
    kept = ShelfCounts(app.state.database, person.organization_id, viewer=person.user_id)
    return [await kept.count(replace(filters, **also)) for filters in SHELVES]


async def scanned(app: FastAPI, person: Person) -> list[int]:
    """A time that excludes nothing is none of what is kept."""
    return await counts(app, person, created_after=LONG_AGO)


async def change(app: FastAPI, person: Person, statement: str, summary_id: str) -> None:
    async with app.state.database.transaction(tenant_of(person)) as session:
        await session.execute(text(statement), {"id": summary_id})


async def live(app: FastAPI, person: Person, drawn: random.Random) -> None:
    shown = drawn.choice(["private", "organization"])
    values: dict[str, Any] = {"visibility": shown, "ephemeral": drawn.random() < 0.2}  # Any: columns
    summary_id = await shelve(app, person, "Bridge", archived_at=drawn.choice([None, NOW]), **values)
    for statement in drawn.sample(CHANGES, 3):
        await change(app, person, statement, summary_id)


async def test_whatever_becomes_of_summaries_every_count_is_that_of_a_scan(
    app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    drawn = random.Random(7)  # noqa: S311  # a test's own
    for _ in range(3):
        for person in (alice, bob, charlie) * 6:
            await live(app, person, drawn)
        for person in (alice, bob, charlie):
            assert await counts(app, person) == await scanned(app, person)
        await tally_shelves(app.state.database)
    assert sum(await counts(app, alice)) > 0


async def test_an_organisation_from_before_is_counted_once_with_all_that_came_meanwhile(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    for person in (alice, alice, charlie):
        await shelve(app, person, "Bridge", visibility="organization")
    await execute(database_urls.superuser, *FROM_BEFORE)
    before = [await counts(app, person) for person in (alice, charlie)]
    for person in (alice, charlie):
        await shelve(app, person, "Ferry", archived_at=NOW)
    expected = [await scanned(app, person) for person in (alice, charlie)]
    assert [await counts(app, person) for person in (alice, charlie)] == expected != before
    for _ in range(2):
        await tally_shelves(app.state.database)
        assert [await counts(app, person) for person in (alice, charlie)] == expected


@pytest.mark.parametrize("folded", ["true", "false"])
async def test_tallies_from_before_outcomes_count_in_whole_shelves_until_all_is_counted_anew(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls, folded: str
) -> None:
    for person in (alice, alice, charlie):
        await shelve(app, person, "Bridge", favourite=True)
    await execute(database_urls.superuser, BY_SHELF.format(folded=folded))
    for person in (alice, charlie):
        await shelve(app, person, "Ferry", status="failed", archived_at=NOW)
    expected = [await scanned(app, person) for person in (alice, charlie)]
    assert [await counts(app, person) for person in (alice, charlie)] == expected
    for _ in range(2):
        await tally_shelves(app.state.database)
        assert [await counts(app, person) for person in (alice, charlie)] == expected
        rows = await ask(database_urls.superuser, TALLIES)
        assert [row["outcome"] for row in rows if row["organization_id"] == alice.organization_id]
        assert all(row["outcome"] and row["folded"] for row in rows)


async def test_tallies_from_before_that_take_each_other_back_are_gone_with_the_next_round(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await shelve(app, alice, "Bridge")
    taken_back = f"""
        INSERT INTO shelf_tallies (organization_id, reader, archived, many, folded)
        SELECT '{alice.organization_id}', '{alice.user_id}', true, many, true FROM unnest(ARRAY[5, -5]) many
    """  # noqa: S608  # our own ids
    await execute(database_urls.superuser, taken_back)
    await tally_shelves(app.state.database)
    rows = await ask(database_urls.superuser, TALLIES)
    assert [(row["outcome"], row["archived"], row["many"]) for row in rows] == [("ready", False, 1)]
    assert await counts(app, alice) == await scanned(app, alice)


async def test_an_organisation_that_two_workers_count_is_counted_once(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await shelve(app, alice, "Bridge")
    await execute(database_urls.superuser, *FROM_BEFORE)
    async with app.state.database.transaction(tenant_of(alice)) as session:
        await count_shelves(session, alice.organization_id)
        other = asyncio.create_task(tally_shelves(app.state.database))
        done, _ = await asyncio.wait({other}, timeout=0.5)
        assert not done
    await other
    assert await counts(app, alice) == await scanned(app, alice)


async def test_what_comes_while_it_is_added_up_is_neither_lost_nor_counted_twice(
    app: FastAPI, alice: Person
) -> None:
    async def fold() -> None:
        for _ in range(10):
            await tally_shelves(app.state.database)

    async def add() -> None:
        for _ in range(15):
            await shelve(app, alice, "Bridge")

    await asyncio.gather(fold(), fold(), add(), add())
    assert await counts(app, alice) == await scanned(app, alice)
    assert max(await counts(app, alice)) == 30


async def test_added_up_a_shelf_is_one_row_and_an_empty_one_none(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    ids = [await shelve(app, alice, "Bridge") for _ in range(3)]
    await tally_shelves(app.state.database)
    (row,) = await ask(database_urls.superuser, TALLIES)
    assert (row["reader"], row["archived"], row["many"], row["folded"]) == (alice.user_id, False, 3, True)
    assert (row["outcome"], row["favourite"]) == ("ready", False)
    for summary_id in ids:
        await client.delete(f"{PATH}/{summary_id}", headers=alice.headers)
    await tally_shelves(app.state.database)
    assert await ask(database_urls.superuser, TALLIES) == []


async def test_a_kept_count_is_read_from_its_index_alone(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await shelve(app, alice, "Bridge")
    await explain_everything(database_urls.superuser, "enable_bitmapscan = off", "enable_seqscan = off")
    await app.state.database.dispose()
    with plans_of(app) as plans:
        for filters in ("", "?status=ready", "?favourite=true&archived=any"):
            plans.clear()
            await client.get(f"{PATH}/count{filters}", headers=alice.headers)
            assert "Index Only Scan using ix_shelf_tallies_organization_id_reader" in "\n".join(plans)


async def test_an_organisation_takes_its_tallies_with_it(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    for person in (alice, charlie):
        await shelve(app, person, "Bridge")
    gone = f"DELETE FROM organizations WHERE id = '{alice.organization_id}'"  # noqa: S608  # our own id
    await execute(database_urls.superuser, gone)
    rows = await ask(database_urls.superuser, TALLIES)
    assert [row["organization_id"] for row in rows] == [charlie.organization_id]


async def test_an_organisation_that_cannot_be_counted_holds_up_no_other(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    for person in (alice, charlie):
        await shelve(app, person, "Bridge")
    broken = (
        "ALTER TABLE shelf_tallies ADD CONSTRAINT broken"
        f" CHECK (NOT folded OR organization_id <> '{alice.organization_id}')"
    )
    await execute(database_urls.superuser, broken)
    assert await tally_shelves(app.state.database) == 1
    assert (await counts(app, alice), await counts(app, charlie)) == (
        await scanned(app, alice),
        await scanned(app, charlie),
    )
