"""A finished summary and its link, to begin a test with."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.factories import Person
from tests.summaries.shelf import PATH, create, set_columns

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def finished(
    client: AsyncClient, app: FastAPI, person: Person, *, columns: dict[str, Any] | None = None, **body: Any
) -> str:
    # Any: columns, JSON
    summary = await create(client, person, **body)
    values = {"status": "ready", "title": "The bridge", "summary": "It is gone.", "key_points": ["Gone."]}
    await set_columns(app, person, summary["id"], **{**values, **(columns or {})})
    return str(summary["id"])


async def share(
    client: AsyncClient, person: Person, summary_id: str, **body: Any
) -> dict[str, Any]:  # Any: JSON
    answer = await client.post(f"{PATH}/{summary_id}/share", json=body, headers=person.headers)
    assert answer.status_code in {200, 201}, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def look(client: AsyncClient, shared: dict[str, Any], **headers: str) -> Response:  # Any: JSON
    return await client.get(urlsplit(shared["url"]).path, headers=headers)
