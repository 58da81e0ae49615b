"""Summaries to begin a test with, and their rows to end it with."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select, text, update

from app.core.db import Database, Tenant
from app.summaries.models import Summary
from tests.factories import Person

PATH = "/api/v1/summaries"
TEXT = (
    "The river rose in the night and took the old bridge with it. Nobody in the town had heard a thing until "
    "the baker opened her door at four. By noon the council had met twice and agreed on nothing. Engineers "
    "from the capital arrived in the afternoon and said that a new bridge would take three years. The ferry, "
    "which had been out of service since the spring, was brought back the same evening. It carries twelve "
    "people and one bicycle, and it will be free of charge for as long as the bridge is gone."
)


async def create(client: AsyncClient, person: Person, **body: Any) -> dict[str, Any]:  # Any: JSON
    source = {} if body.keys() & {"url", "html"} else {"text": TEXT}
    answer = await client.post(PATH, json={**source, **body}, headers=person.headers)
    assert answer.status_code == 202, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def set_columns(app: FastAPI, person: Person, summary_id: str, **values: Any) -> None:  # Any: columns
    """As the worker would, without being it."""
    database: Database = app.state.database
    async with database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(update(Summary).where(Summary.id == UUID(summary_id)).values(**values))


async def row_of(database: Database, organization_id: UUID, summary_id: str) -> Summary:
    async with database.transaction(Tenant(organization_id)) as session:
        return (await session.scalars(select(Summary).where(Summary.id == UUID(summary_id)))).one()


async def job_ids(database: Database) -> list[int]:
    async with database.transaction() as session:
        return list((await session.execute(text("SELECT id FROM procrastinate_jobs ORDER BY id"))).scalars())


async def lose_job(database: Database, job_id: int) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job_id})
