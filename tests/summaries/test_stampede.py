"""Many readers of one cold summary ask the database once, and each is judged by themselves."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.cache import BodyCache, Miss
from app.core.db import Database
from app.summaries.reads import Cold, SummaryReads
from app.summaries.rendering import cache_key
from tests.factories import Person, principal_of
from tests.statements import statements_of
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration
READERS = 500


def on_summaries(statements: list[str]) -> list[str]:
    return [statement for statement in statements if "FROM summaries" in statement]


async def statuses(client: AsyncClient, path: str, *people: Person) -> list[int]:
    answers = await asyncio.gather(*(client.get(path, headers=person.headers) for person in people))
    return [answer.status_code for answer in answers]


async def test_five_hundred_readers_of_a_cold_one_make_one_query(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = (await create(client, alice))["id"]
    key = cache_key(alice.organization_id, UUID(summary_id))
    reads: SummaryReads = app.state.summary_reads

    async def read() -> bool:
        found = await app.state.cache.get(key)
        missed = isinstance(found, Miss)
        return not missed or await reads.find(principal_of(alice), UUID(summary_id), found) is not None

    async with statements_of(app) as statements:
        assert all(await asyncio.gather(*(read() for _ in range(READERS))))
    assert len(on_summaries(statements)) == 1


@pytest.mark.usefixtures("remembered")
async def test_each_of_them_is_answered_what_they_may_see(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    path = f"{PATH}/{(await create(client, alice))['id']}"
    for person in (alice, bob, charlie):
        await client.get(PATH, headers=person.headers)
    async with statements_of(app) as statements:
        found = await statuses(client, path, *[bob, alice, charlie] * 5)
    assert found == [404, 200, 404] * 5
    # Of each organisation one before routing, and one by the route for those whom it refuses.
    assert len(on_summaries(statements)) <= 4


class SlowDatabase:
    """Whose rows are on their way until it is let go; what each question found is told in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked = 0
        self.found = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def read(self, *question: Any) -> Sequence[Any]:  # Any: as `Database.read`
        self.asked += 1
        rows = await self._database.read(*question)
        self.found.set()
        await self.may_answer.wait()
        return rows


async def test_whoever_wrote_shares_with_nobody_who_asked_before(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = (await create(client, alice))["id"]
    slow = SlowDatabase(app.state.database)
    reads = SummaryReads(cast("Database", slow), app.state.cache, app.state.cursors)

    def find(missed: Miss) -> asyncio.Task[Cold | None]:
        return asyncio.create_task(reads.find(principal_of(alice), UUID(summary_id), missed))

    missed = await look(app, alice, summary_id)
    before = [find(missed), find(Miss(missed.key))]
    await slow.found.wait()
    await client.patch(f"{PATH}/{summary_id}", json={"title": "Mine"}, headers=alice.headers)
    # One that looked before the write and comes late joins those of its kind; all others have a question of
    # their own, which they share.
    before += [find(missed)]
    fresh = await look(app, alice, summary_id)
    after = [find(each) for each in (fresh, fresh, Miss(missed.key), Miss(missed.key))]
    slow.may_answer.set()
    bodies = [each.document.body for each in await asyncio.gather(*before, *after) if each]
    assert [b"Mine" in body for body in bodies] == [False] * 3 + [True] * 4
    assert slow.asked == 2


async def look(app: FastAPI, person: Person, summary_id: str) -> Miss:
    cache: BodyCache = app.state.cache
    missed = await cache.get(cache_key(person.organization_id, UUID(summary_id)))
    assert isinstance(missed, Miss)
    return missed
