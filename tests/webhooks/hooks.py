"""Webhooks to begin a test with, what a worker does with them, and their rows to end it with."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select, text

from app.core.db import Database, Tenant
from app.outbox.deliveries import Happening, WebhookEvent, endpoints_wanting, queue_deliveries
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.tasks import Courier, deliver
from tests.factories import Person

PATH = "/api/v1/webhooks"
HTTPS = "https://example.com/hook"
DUE = "UPDATE webhook_deliveries SET next_attempt_at = now() WHERE status = 'pending'"
AWAKE = "UPDATE webhooks SET resting_until = NULL"


async def create(
    client: AsyncClient, person: Person, url: str = HTTPS, *, events: Sequence[str] = ("summary.ready",)
) -> dict[str, Any]:  # Any: JSON
    body = {"url": url, "events": list(events)}
    answer = await client.post(PATH, json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def happen(
    app: FastAPI, person: Person, *, times: int = 1, event: WebhookEvent = WebhookEvent.SUMMARY_READY
) -> None:
    """As a job would tell of it."""
    database: Database = app.state.database
    async with database.transaction(Tenant(person.organization_id)) as session:
        for number in range(times):
            wanting = await endpoints_wanting(session, event, organization_id=person.organization_id)
            happening = Happening(event, person.organization_id, None, {"number": number})
            await queue_deliveries(session, happening, wanting)


async def run(courier: Courier, person: Person, *, again: bool = False) -> int:
    """What is due is delivered; `again`: and what would be due later."""
    if again:
        await execute(courier.database, person, DUE)
        await execute(courier.database, person, AWAKE)
    return await deliver(courier, person.organization_id)


async def execute(database: Database, person: Person, sql: str, **values: object) -> None:
    async with database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text(sql), values)


async def deliveries(database: Database, person: Person) -> Sequence[WebhookDelivery]:
    async with database.transaction(Tenant(person.organization_id)) as session:
        found = select(WebhookDelivery).order_by(WebhookDelivery.created_at, WebhookDelivery.id)
        return (await session.scalars(found)).all()


async def webhook(database: Database, person: Person, webhook_id: str) -> Webhook:
    async with database.transaction(Tenant(person.organization_id)) as session:
        return (await session.scalars(select(Webhook).where(Webhook.id == UUID(webhook_id)))).one()


async def jobs(database: Database) -> list[tuple[str, int]]:
    """Deliveries' jobs: their status and priority."""
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT status::text, priority FROM procrastinate_jobs"
                " WHERE task_name = 'webhooks.deliver' ORDER BY id"
            )
        )
        return [(row.status, row.priority) for row in rows]
