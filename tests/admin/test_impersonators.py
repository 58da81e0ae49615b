"""What becomes of support in a user's name when whoever began it ends sessions of their own."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.auth.store import OwnSessions
from app.core.db import Tenant
from tests.admin.test_impersonation import HOLDS_WITHIN_SECONDS, begin, headers_of
from tests.factories import PASSWORD, Person

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("way", ["logout", "logout-all", "change-password"])
async def test_it_ends_with_the_session_of_whoever_began_it(
    client: AsyncClient, adam: Person, alice: Person, bob: Person, way: str
) -> None:
    """Who took a session of the staff's over must not go on reading after it was ended."""
    begun = await headers_of(client, adam, alice)
    others = await headers_of(client, adam, bob, organization_id=str(bob.organization_id))
    bodies = {
        "logout": {"refresh_token": adam.refresh_token},
        "change-password": {"current_password": PASSWORD, "new_password": "Another-Horse-8-Battery"},
    }
    answer = await client.post(f"/api/v1/auth/{way}", headers=adam.headers, json=bodies.get(way))
    assert answer.is_success, answer.text
    await asyncio.sleep(HOLDS_WITHIN_SECONDS)
    for headers in (begun, others):
        assert (await client.get("/api/v1/summaries", headers=headers)).status_code == 401


async def test_a_session_that_has_just_ended_begins_none(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    """What it stands for is remembered for a second more."""
    assert (await client.get("/api/v1/users/me", headers=adam.headers)).status_code == 200
    async with app.state.database.transaction(Tenant(adam.organization_id, adam.user_id)) as session:
        await OwnSessions(session, adam.user_id).end_all(reason="test")
    assert (await begin(client, adam, alice)).status_code == 401
