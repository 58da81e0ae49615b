"""The worker's reads and writes: which delivery is next, and what became of it.

A claim is a lease: the delivery is due again when it ends, so that one whose worker died is sent again. The
outcome is written under the fence of the attempt: a worker that was overtaken writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.vocabulary import AT_ONCE, AT_ONCE_IN_ALL, AT_ONCE_WHEN_FAILING, DeliveryStatus

# Longer than a try takes with all its bookkeeping: until then nobody else tries the same.
LEASE = timedelta(seconds=40)
CLAIM_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
# Of each endpoint that may be sent to, the one that waits longest; the endpoint with least under way first.
NEXT_DUE = text(
    """
    SELECT d.id FROM webhooks w
    JOIN organizations o ON o.id = w.organization_id
    CROSS JOIN LATERAL (
        SELECT id, next_attempt_at FROM webhook_deliveries
        WHERE webhook_id = w.id AND status = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT 1) d
    CROSS JOIN LATERAL (
        SELECT count(*) AS many FROM webhook_deliveries
        WHERE organization_id = w.organization_id AND webhook_id = w.id AND leased_until > now()) leased
    WHERE w.organization_id = :organization_id AND w.disabled_at IS NULL AND w.deleted_at IS NULL
      AND (w.resting_until IS NULL OR w.resting_until <= now())
      AND o.suspended_at IS NULL AND o.erase_after IS NULL
      AND leased.many < CASE WHEN w.failing_since IS NULL THEN CAST(:at_once AS integer)
                           ELSE CAST(:when_failing AS integer) END
    ORDER BY leased.many, d.next_attempt_at LIMIT 1
    """
)
LEASED = text(
    "SELECT count(*) FROM webhook_deliveries"
    " WHERE organization_id = :organization_id AND leased_until > now()"
)
DUE_WEBHOOKS = text("SELECT * FROM due_webhooks(:at_most)")
LEFTOVERS = text("SELECT organization_id, webhook_id FROM webhook_leftovers(:kept, :at_most)")


@dataclass(frozen=True, slots=True)
class WebhookKey:
    organization_id: UUID
    webhook_id: UUID


class DeliveryStore:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def claim(self) -> WebhookDelivery | None:
        """The next one that is due, leased to the caller; None where nothing is, or enough is under way.

        Claims of one organisation take turns, so that its bounds hold and nobody waits for another's.
        """
        await self._session.execute(CLAIM_LOCK, {"name": f"webhooks claimed {self._organization_id}"})
        tenant = {"organization_id": self._organization_id}
        if (await self._session.scalar(LEASED, tenant) or 0) >= AT_ONCE_IN_ALL:
            return None
        bounds = {"at_once": AT_ONCE, "when_failing": AT_ONCE_WHEN_FAILING}
        delivery_id = await self._session.scalar(NEXT_DUE, {**tenant, **bounds})
        return None if delivery_id is None else await self._lease(delivery_id)

    async def _lease(self, delivery_id: UUID) -> WebhookDelivery | None:
        until = func.now() + LEASE
        values = {
            "attempts": WebhookDelivery.attempts + 1,
            "leased_until": until,
            "next_attempt_at": until,
            "last_attempt_at": func.now(),
        }
        statement = (
            update(WebhookDelivery)
            .where(
                WebhookDelivery.organization_id == self._organization_id,
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.status == DeliveryStatus.PENDING,
            )
            .values(values)
            .returning(WebhookDelivery)
            .options(undefer(WebhookDelivery.payload))
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def webhook_of(self, delivery: WebhookDelivery) -> Webhook:
        """A delivery goes with its webhook: inside the transaction that holds the one, the other is there."""
        return (await self._session.scalars(self._webhook(delivery))).one()

    async def webhook_locked(self, delivery: WebhookDelivery) -> Webhook:
        """Held to the transaction's end, but not against new events for it. Always after its delivery."""
        statement = self._webhook(delivery).with_for_update(key_share=True)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).one()

    async def forget_failures(self, delivery: WebhookDelivery) -> None:
        """Written only where there were some: most tries succeed."""
        statement = (
            update(Webhook)
            .where(
                Webhook.organization_id == self._organization_id,
                Webhook.id == delivery.webhook_id,
                Webhook.failures > 0,
            )
            .values(failures=0, failing_since=None, resting_until=None)
        )
        await self._session.execute(statement)

    def _webhook(self, delivery: WebhookDelivery) -> Select[Webhook]:
        return select(Webhook).where(
            Webhook.organization_id == self._organization_id, Webhook.id == delivery.webhook_id
        )

    async def close(self, delivery: WebhookDelivery, values: Mapping[str, Any]) -> bool:  # Any: column values
        """False where another attempt holds it by now, or it is gone."""
        statement = (
            update(WebhookDelivery)
            .where(
                WebhookDelivery.organization_id == self._organization_id,
                WebhookDelivery.id == delivery.id,
                WebhookDelivery.attempts == delivery.attempts,
                WebhookDelivery.leased_until.is_not(None),
            )
            .values({**values, "leased_until": None})
            .returning(WebhookDelivery.id)
        )
        return await self._session.scalar(statement) is not None


async def due_organizations(session: AsyncSession, *, at_most: int) -> Sequence[UUID]:
    """Of all tenants, those that have something to deliver now."""
    return (await session.scalars(DUE_WEBHOOKS, {"at_most": at_most})).all()


async def leftovers(session: AsyncSession, *, kept: timedelta, at_most: int) -> list[WebhookKey]:
    rows = await session.execute(LEFTOVERS, {"kept": kept, "at_most": at_most})
    return [WebhookKey(row.organization_id, row.webhook_id) for row in rows]


async def delete_leftovers(session: AsyncSession, key: WebhookKey, *, before: datetime, at_most: int) -> bool:
    """Of one webhook: deliveries from before then, or all where it is deleted, and then itself.

    True when some may be left. The session is bound to the organisation.
    """
    own = WebhookDelivery.organization_id == key.organization_id, WebhookDelivery.webhook_id == key.webhook_id
    doomed = (
        select(WebhookDelivery.id)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(*own, or_(WebhookDelivery.created_at < before, Webhook.deleted_at.is_not(None)))
        .limit(at_most)
    )
    gone = delete(WebhookDelivery).where(*own, WebhookDelivery.id.in_(doomed)).returning(WebhookDelivery.id)
    if len((await session.scalars(gone)).all()) == at_most:
        return True
    itself = delete(Webhook).where(
        Webhook.organization_id == key.organization_id,
        Webhook.id == key.webhook_id,
        Webhook.deleted_at.is_not(None),
    )
    await session.execute(itself)
    return False


async def delete_deliveries(session: AsyncSession, organization_id: UUID, *, at_most: int) -> int:
    """Of an organisation that is erased, some at a time. The session is bound to it."""
    some = select(WebhookDelivery.id).where(WebhookDelivery.organization_id == organization_id).limit(at_most)
    gone = delete(WebhookDelivery).where(
        WebhookDelivery.organization_id == organization_id, WebhookDelivery.id.in_(some)
    )
    return len((await session.scalars(gone.returning(WebhookDelivery.id))).all())
