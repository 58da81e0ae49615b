"""Many readers of one cold summary ask the database once, and each is judged by themselves."""

import asyncio
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.cache import BodyCache, Miss
from app.summaries.reads import SummaryReads
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
    reads: SummaryReads = app.state.summary_reads

    async def read() -> bool:
        missed = await look(app, alice, summary_id)
        return await reads.find(principal_of(alice), UUID(summary_id), missed) is not None

    async with statements_of(app) as statements:
        assert all(await asyncio.gather(*(read() for _ in range(READERS))))
    assert len(on_summaries(statements)) == 1


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


async def test_whoever_wrote_shares_with_nobody_who_looked_before(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    """Of one who missed before a write nobody knows which state they will read."""
    summary_id = (await create(client, alice))["id"]
    reads: SummaryReads = app.state.summary_reads
    before = await look(app, alice, summary_id)
    await client.patch(f"{PATH}/{summary_id}", json={"title": "Mine"}, headers=alice.headers)
    after = await look(app, alice, summary_id)
    unfenced = Miss(after.key)
    async with statements_of(app) as statements:
        found = await asyncio.gather(
            *(
                reads.find(principal_of(alice), UUID(summary_id), missed)
                for missed in (before, after, after, unfenced, unfenced)
            )
        )
    assert all(each and b"Mine" in each.document.body for each in found)
    assert len(on_summaries(statements)) == 4


async def look(app: FastAPI, person: Person, summary_id: str) -> Miss:
    cache: BodyCache = app.state.cache
    missed = await cache.get(cache_key(person.organization_id, UUID(summary_id)))
    assert isinstance(missed, Miss)
    return missed
