"""Accounts on their way out: closed through the API, erased by the worker's own hand."""

import json
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.accounts.erasure import erase_due_accounts
from app.core.db import Database, Tenant
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

ME = "/api/v1/users/me"
AGE = text("UPDATE account_erasures SET erase_after = now() - interval '1 s'")

COLUMNS = """organization_id, user_id, status, attempt, version, visibility, source, key_points, keywords,
    sentences, low_content, engine, options, tags, stages"""
# Names of our own only.
MULTIPLY = f"""
INSERT INTO summaries (id, {COLUMNS})
SELECT gen_random_uuid(), {COLUMNS} FROM summaries, generate_series(1, :copies)
"""  # noqa: S608  # as said above
WRITE_TEXTS = """
INSERT INTO summary_contents (summary_id, organization_id, input, text)
SELECT id, organization_id, repeat(md5(id::text), :times), repeat(md5(id::text), :times) FROM summaries
ON CONFLICT DO NOTHING
"""


async def multiply(app: FastAPI, person: Person, copies: int, *, characters: int) -> None:
    """So many more of their one summary, each with two texts of about so many characters."""
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        await session.execute(text(MULTIPLY), {"copies": copies})
        await session.execute(text(WRITE_TEXTS), {"times": characters // 32})


async def close(client: AsyncClient, person: Person) -> UUID:
    """The receipt."""
    answer = await client.delete(ME, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["receipt"])


async def let_grace_pass(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(AGE)


async def erase(app: FastAPI) -> int:
    await let_grace_pass(app)
    database: Database = app.state.database
    return await erase_due_accounts(database)


async def receipt_of(urls: DatabaseUrls, receipt: UUID) -> dict[str, Any]:  # Any: column values
    (row,) = await ask(urls.superuser, "SELECT * FROM account_erasures WHERE id = $1", receipt)
    return {**row, "counts": json.loads(row["counts"])}


async def count(urls: DatabaseUrls, table: str, **where: object) -> int:
    condition = " AND ".join(f"{name} = ${place}" for place, name in enumerate(where, 1)) or "true"
    query = f"SELECT count(*) AS rows FROM {table} WHERE {condition}"  # noqa: S608  # names of our own
    (row,) = await ask(urls.superuser, query, *where.values())
    return int(row["rows"])


async def signed(app: FastAPI, organization_id: UUID) -> list[Any]:  # Any: rows
    """Author and visibility of each summary there."""
    async with app.state.database.transaction(Tenant(organization_id)) as session:
        query = text(
            "SELECT u.username, s.visibility FROM summaries s JOIN users u ON u.id = s.user_id ORDER BY 1, 2"
        )
        return [tuple(row) for row in await session.execute(query)]
