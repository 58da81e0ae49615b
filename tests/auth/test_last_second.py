"""What a session does in the second that it is still believed in after its end outlives it not."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import Person

pytestmark = pytest.mark.integration

# Each would leave something to a thief who has just been thrown out.
DEEDS = [
    ("PATCH", "/api/v1/users/me", {"email": "thief@example.com"}),
    ("PATCH", "/api/v1/users/me", {"full_name": "Thief"}),
    ("POST", "/api/v1/auth/totp/enroll", None),
    ("POST", "/api/v1/auth/totp/confirm", {"code": "000000"}),
    ("POST", "/api/v1/api-keys", {"name": "mine"}),
    ("POST", "/api/v1/api-keys/generate", None),
]


async def run(app: FastAPI, person: Person, statement: str) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        await session.execute(text(statement), {"now": datetime.now(UTC)} if ":now" in statement else {})


@pytest.mark.parametrize(("method", "path", "body"), DEEDS)
@pytest.mark.parametrize("end", ["UPDATE auth_sessions SET revoked_at = :now", "DELETE FROM memberships"])
async def test_a_session_that_has_just_ended_leaves_nothing_behind(
    client: AsyncClient, app: FastAPI, alice: Person, method: str, path: str, body: object, end: str
) -> None:
    assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200  # remembered
    await run(app, alice, end)
    answer = await client.request(method, path, headers=alice.headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")
