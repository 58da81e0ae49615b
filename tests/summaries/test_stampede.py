"""Many readers of one cold summary ask the database once, and each is judged by themselves."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import event

from app.core.cache import BodyCache, Miss
from app.core.principal import MembershipRole, Plan, Principal, StaffRole
from app.summaries.reads import SummaryReads
from app.summaries.rendering import cache_key
from tests.factories import Person
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration
READERS = 500


@contextmanager
def asked(app: FastAPI) -> Iterator[list[str]]:
    """Statements on summaries, of whoever reads meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # Any: SQLAlchemy's event
        if "FROM summaries" in statement:
            seen.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


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

    with asked(app) as statements:
        assert all(await asyncio.gather(*(read() for _ in range(READERS))))
    assert len(statements) == 1


async def test_each_of_them_is_answered_what_they_may_see(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    path = f"{PATH}/{(await create(client, alice))['id']}"
    for person in (alice, bob, charlie):
        await client.get(PATH, headers=person.headers)
    with asked(app) as statements:
        found = await statuses(client, path, *[bob, alice, charlie] * 5)
    assert found == [404, 200, 404] * 5
    # Of each organisation one before routing, and one by the route for those whom it refuses.
    assert len(statements) <= 4


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
    with asked(app) as statements:
        found = await asyncio.gather(
            *(
                reads.find(principal_of(alice), UUID(summary_id), missed)
                for missed in (before, after, after, unfenced, unfenced)
            )
        )
    assert all(each and b"Mine" in each.document.body for each in found)
    assert len(statements) == 4


async def look(app: FastAPI, person: Person, summary_id: str) -> Miss:
    cache: BodyCache = app.state.cache
    missed = await cache.get(cache_key(person.organization_id, UUID(summary_id)))
    assert isinstance(missed, Miss)
    return missed


def principal_of(person: Person) -> Principal:
    return Principal(
        kind="user",
        user_id=person.user_id,
        organization_id=person.organization_id,
        credential_id=person.session_id,
        staff_role=StaffRole.USER,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=frozenset(),
    )


async def test_readers_of_what_is_not_there_share_the_question_too(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await client.get(PATH, headers=alice.headers)
    with asked(app) as statements:
        found = await statuses(client, f"{PATH}/00000000-0000-7000-8000-000000000000", *[alice] * 20)
    assert set(found) == {404}
    # Once before routing, once by the route, whose refusal it is.
    assert len(statements) == 2
