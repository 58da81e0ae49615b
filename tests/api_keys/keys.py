"""What the tests of API keys do over and over."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import Person

URL = "/api/v1/api-keys"
ME = "/api/v1/users/me"
# Newest last: UUIDv7 sorts by time.
ENTRIES = (
    "SELECT action, actor_kind, subject_id, target_id, host(address), details FROM audit_entries ORDER BY id"
)


async def make(client: AsyncClient, owner: Person, **wanted: object) -> dict[str, Any]:  # Any: JSON
    answer = await client.post(URL, headers=owner.headers, json={"name": "k", **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()  # Any: as above
    return made


async def status_of(client: AsyncClient, api_key: str) -> int:
    """What reading one's profile with this key answers."""
    return (await client.get(ME, headers={"X-API-Key": api_key})).status_code


async def audited(app: FastAPI, organization_id: UUID, action: str) -> list[dict[str, Any]]:  # Any: columns
    async with app.state.database.transaction(Tenant(organization_id)) as session:
        rows = (await session.execute(text(ENTRIES))).mappings()
        return [dict(row) for row in rows if row["action"] == action]
