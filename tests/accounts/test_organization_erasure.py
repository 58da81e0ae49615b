"""Deleted organisations: erased in steps, and one that cannot be erased holds up no other."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.accounts.organization_erasure import erase_due_organizations
from app.core.db import Tenant
from app.core.ids import new_id
from app.organizations.repository import OrganizationRepository
from app.organizations.store import change_organization
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

# What else may hang on an organisation, and not go with it.
HOLD = "CREATE TABLE holds (organization_id uuid REFERENCES organizations (id))"


async def due_one(app: FastAPI, person: Person) -> UUID:
    organization_id = new_id()
    async with app.state.database.transaction(Tenant(organization_id, person.user_id)) as session:
        organizations = OrganizationRepository(session, organization_id)
        await organizations.add(name="x", is_personal=False, owner_id=person.user_id)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await change_organization(session, organization_id, erase_after=past)
    return organization_id


async def left(urls: DatabaseUrls) -> set[UUID]:
    rows = await ask(urls.superuser, "SELECT id FROM organizations WHERE NOT is_personal")
    return {row["id"] for row in rows}


async def test_one_that_cannot_be_erased_holds_up_no_other(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    held, other = await due_one(app, alice), await due_one(app, alice)
    await ask(database_urls.superuser, HOLD)
    await ask(database_urls.superuser, f"INSERT INTO holds VALUES ('{held}')")  # noqa: S608  # our own id
    assert await erase_due_organizations(app.state.database) == 1
    assert await left(database_urls) == {held}
    assert other != held


async def test_more_than_a_round_has_time_for_is_left_to_the_next(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    for _ in range(3):
        body = {"text": "A sentence to be summarised. " * 20}
        assert (await client.post("/api/v1/summaries", headers=alice.headers, json=body)).status_code == 202
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text("UPDATE organizations SET erase_after = now() - interval '1 s'"))
    assert await erase_due_organizations(app.state.database, steps=1) == 0
    assert await ask(database_urls.superuser, "SELECT count(*) AS n FROM summaries") == [{"n": 0}]
    assert await erase_due_organizations(app.state.database, steps=1) == 1
