"""POSTs with an Idempotency-Key, and what they left behind."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.db import Tenant
from tests.catalogue import ask
from tests.factories import Person, Robot
from tests.servers import DatabaseUrls

SUMMARIES = "/api/v1/summaries"
KEYS = "/api/v1/api-keys"
BODY = {"text": "The river rose in the night. By noon the bridge was gone."}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


async def post(
    client: AsyncClient,
    person: Person | Robot,
    body: dict[str, Any] | None = None,  # Any: JSON
    *,
    path: str = SUMMARIES,
    key: str = KEY["Idempotency-Key"],
    prefer: str = "",
) -> Response:
    headers = {**person.headers, "Idempotency-Key": key, "Prefer": prefer}
    wanted = BODY if body is None and path == SUMMARIES else body
    return await client.post(path, json=wanted, headers=headers)


def assert_replay(first: Response, again: Response) -> None:
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("Location", "ETag", "Retry-After", "Content-Type", "Content-Length", "Preference-Applied"):
        assert again.headers.get(name) == first.headers.get(name), name


async def count(app: FastAPI, person: Person, table: str) -> int:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        found = await session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # our own names
    return int(found)


async def age(urls: DatabaseUrls, by: timedelta) -> None:
    statement = "UPDATE idempotency_keys SET created_at = created_at - $1::interval"
    await ask(urls.superuser, statement, by)
