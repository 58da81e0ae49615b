"""The trash is emptied after as many days as the plan says, and not before."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.plans import PLANS
from app.core.principal import Plan
from app.summaries.retention import empty_trash
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


async def thrown_away(client: AsyncClient, app: FastAPI, person: Person, *, days: int) -> None:
    made = await client.post(
        "/api/v1/summaries", headers=person.headers, json={"text": "A sentence to be summarised. " * 20}
    )
    url = f"/api/v1/summaries/{made.json()['id']}"
    assert (await client.delete(url, headers=person.headers)).status_code == 204
    await change(app, person, "UPDATE summaries SET deleted_at = now() - make_interval(days => :days)", days)


async def change(app: FastAPI, person: Person, statement: str, days: int = 0) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        await session.execute(text(statement), {"days": days} if ":days" in statement else {})


async def left(urls: DatabaseUrls) -> tuple[int, int]:
    rows = await ask(
        urls.superuser,
        "SELECT (SELECT count(*) FROM summaries) AS s, (SELECT count(*) FROM summary_contents) AS c",
    )
    return rows[0]["s"], rows[0]["c"]


async def test_what_the_plan_still_keeps_stays(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await thrown_away(client, app, alice, days=PLANS[Plan.FREE].trash_days - 1)
    assert await empty_trash(app.state.database) is False
    assert await left(database_urls) == (1, 1)


async def test_a_larger_plan_keeps_longer(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await change(app, alice, "UPDATE organizations SET plan = 'pro'")
    await thrown_away(client, app, alice, days=PLANS[Plan.FREE].trash_days + 1)
    await empty_trash(app.state.database)
    assert await left(database_urls) == (1, 1)


async def test_what_was_restored_stays(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await thrown_away(client, app, alice, days=400)
    await change(app, alice, "UPDATE summaries SET deleted_at = NULL")
    await empty_trash(app.state.database)
    assert await left(database_urls) == (1, 1)


async def test_old_trash_of_every_tenant_goes_with_its_texts(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    for person in (alice, charlie, charlie):
        await thrown_away(client, app, person, days=PLANS[Plan.FREE].trash_days + 1)
    assert await empty_trash(app.state.database, batch=1) is False
    assert await left(database_urls) == (0, 0)
