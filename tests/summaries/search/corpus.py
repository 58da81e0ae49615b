"""Summaries that were written long ago, put straight into the database."""

from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.db import Database, Tenant
from app.core.ids import new_id
from app.summaries.models import Summary
from tests.factories import Person
from tests.summaries.shelf import PATH


async def shelve(app: FastAPI, person: Person, title: str, **values: Any) -> str:  # Any: columns
    """Its id. Private and ready where nothing else is said."""
    database: Database = app.state.database
    row = {
        "id": new_id(),
        "status": "ready",
        "language": "en",
        "source": "url",
        "visibility": "private",
        **values,
    }
    async with database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        session.add(
            Summary(title=title, organization_id=person.organization_id, user_id=person.user_id, **row)
        )
    return str(row["id"])


async def ask(client: AsyncClient, person: Person, q: str | None = None, **query: str) -> Response:
    parameters = query if q is None else {"q": q, **query}
    return await client.get(PATH, params=parameters, headers=person.headers)


async def titles(client: AsyncClient, person: Person, q: str | None = None, **query: str) -> list[str]:
    answer = await ask(client, person, q, **query)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def count(client: AsyncClient, person: Person, q: str) -> int:
    answer = await client.get(f"{PATH}/count", params={"q": q}, headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["count"]
    return found
