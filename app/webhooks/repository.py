"""What people read and write of their organisation's webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.core.ids import new_id
from app.core.pagination import Keyset, PageOfRows, Pagination
from app.outbox.deliveries import WebhookEvent
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.vocabulary import DeliveryStatus, WebhookKind

OLDEST_FIRST = Keyset("webhooks", (Webhook.created_at, Webhook.id), descending=False)
NEWEST_FIRST = Keyset("webhook_deliveries", (WebhookDelivery.created_at, WebhookDelivery.id))
NO_SECRETS = {"secret": None, "former_secret": None, "former_secret_until": None}
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    status: DeliveryStatus | None = None
    event: WebhookEvent | None = None


class WebhookRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self.organization_id = organization_id

    async def lock_organization(self) -> None:
        """Two that make a webhook, or the callbacks' secret, at once would each count without the other."""
        await self._session.execute(LOCK, {"name": f"webhooks made {self.organization_id}"})

    async def count(self) -> int:
        rows = self._endpoints().subquery()
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def add(self, webhook: Webhook) -> None:
        self._session.add(webhook)
        await self._session.flush()
        await self._session.refresh(webhook)

    async def find(self, webhook_id: UUID) -> Webhook | None:
        return await self._session.scalar(self._endpoints().where(Webhook.id == webhook_id))

    async def find_locked(self, webhook_id: UUID) -> Webhook | None:
        """Not against those that queue an event for it meanwhile."""
        statement = self._endpoints().where(Webhook.id == webhook_id)
        return await self._session.scalar(statement.with_for_update(key_share=True))

    async def find_callback(self) -> Webhook | None:
        statement = select(Webhook).where(
            Webhook.organization_id == self.organization_id, Webhook.kind == WebhookKind.CALLBACK
        )
        return await self._session.scalar(statement.with_for_update(key_share=True))

    async def add_callback(self) -> Webhook:
        """Unless a delivery was the first to need it."""
        values = {"id": new_id(), "organization_id": self.organization_id, "events": []}
        row = {**values, "kind": WebhookKind.CALLBACK, "version": 1, "failures": 0}
        await self._session.execute(insert(Webhook).values(row).on_conflict_do_nothing())
        callback = await self.find_callback()
        assert callback is not None  # noqa: S101  # narrows for mypy: there is no way to delete it
        return callback

    async def delete_all(self) -> Sequence[UUID]:
        """Which there were. Their deliveries are upkeep's, as with a single one."""
        gone = {"deleted_at": func.now(), **NO_SECRETS}
        return await self._end(gone, Webhook.kind == WebhookKind.ENDPOINT, Webhook.deleted_at.is_(None))

    async def forget_callback_secret(self) -> Sequence[UUID]:
        """The row, where there was a secret: the next callback makes another."""
        forgotten = {"secret_changed_at": None, **NO_SECRETS}
        return await self._end(forgotten, Webhook.kind == WebhookKind.CALLBACK, Webhook.secret.is_not(None))

    async def _end(
        self, values: Mapping[str, Any], *which: ColumnElement[bool]
    ) -> Sequence[UUID]:  # Any: column values
        statement = (
            update(Webhook)
            .where(Webhook.organization_id == self.organization_id, *which)
            .values({**values, "version": Webhook.version + 1, "updated_at": func.now()})
            .returning(Webhook.id)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.scalars(statement)).all()

    async def page(self, pagination: Pagination) -> PageOfRows[Webhook]:
        return pagination.page((await self._session.scalars(pagination.apply(self._endpoints()))).all())

    async def change(self, webhook: Webhook, values: Mapping[str, Any]) -> Webhook:  # Any: column values
        statement = (
            update(Webhook)
            .where(Webhook.organization_id == self.organization_id, Webhook.id == webhook.id)
            .values({**values, "version": Webhook.version + 1, "updated_at": func.now()})
            .returning(Webhook)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    async def deliveries(
        self, webhook_id: UUID, filters: DeliveryFilters, pagination: Pagination
    ) -> PageOfRows[WebhookDelivery]:
        statement = self._deliveries(webhook_id).where(*_conditions(filters))
        return pagination.page((await self._session.scalars(pagination.apply(statement))).all())

    async def find_delivery(self, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery | None:
        """With its bodies."""
        statement = self._deliveries(webhook_id).where(WebhookDelivery.id == delivery_id)
        bodies = undefer(WebhookDelivery.payload), undefer(WebhookDelivery.response_body)
        return await self._session.scalar(statement.options(*bodies))

    async def send_again(self, delivery: WebhookDelivery) -> None:
        """Now, with all its tries before it; one that is under way is not disturbed."""
        values = {"status": DeliveryStatus.PENDING, "failed_tries": 0}
        due = func.greatest(func.now(), WebhookDelivery.leased_until)
        statement = (
            update(WebhookDelivery)
            .where(WebhookDelivery.organization_id == self.organization_id, WebhookDelivery.id == delivery.id)
            .values({**values, "next_attempt_at": due})
        )
        await self._session.execute(statement)
        await self._session.refresh(delivery)

    def _endpoints(self) -> Select[Webhook]:
        return select(Webhook).where(
            Webhook.organization_id == self.organization_id,
            Webhook.kind == WebhookKind.ENDPOINT,
            Webhook.deleted_at.is_(None),
        )

    def _deliveries(self, webhook_id: UUID) -> Select[WebhookDelivery]:
        return select(WebhookDelivery).where(
            WebhookDelivery.organization_id == self.organization_id,
            WebhookDelivery.webhook_id == webhook_id,
        )


def _conditions(filters: DeliveryFilters) -> list[ColumnElement[bool]]:
    conditions = []
    if filters.status is not None:
        conditions.append(WebhookDelivery.status == filters.status)
    if filters.event is not None:
        conditions.append(WebhookDelivery.event == filters.event)
    return conditions
