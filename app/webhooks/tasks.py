"""The job: send what an organisation has to deliver. No connection is held while an endpoint is slow.

A job is a nudge, the rows say what there is to do: each takes the next delivery that is due, for as long as
there is one, and then hands on to the next job, so that other organisations have their turn.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.second_factor.sealing import SecretSeal
from app.core.db import Database, Tenant
from app.core.origin import Origin, current_origin, resumed
from app.core.tracing import span
from app.organizations.usage.repository import UsageRepository
from app.outbox.deliveries import delivery_priority, nudge
from app.outbox.mails import Mail, queue_mail
from app.reading.urls import HostPort
from app.webhooks.health import note_failure, pause_after
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.sender import Outcome
from app.webhooks.signing import Message, give_secret, signed_headers, valid_secrets
from app.webhooks.store import DeliveryStore, due_organizations
from app.webhooks.vocabulary import DeliveryFailure, DeliveryStatus, DisabledReason

# So long one job goes on; the next one waits its turn behind what came meanwhile.
SLICE_SECONDS = 5.0
RENUDGED_AT_ONCE = 500
TRIES = Counter("precis_webhook_tries", "Tries to deliver an event, by what became of them.", ["outcome"])
DISABLED = Counter("precis_webhooks_disabled", "Webhooks that were switched off, by reason.", ["reason"])
# There at 0 before the first: a rate over a missing series is no zero.
for _outcome in ("delivered", *DeliveryFailure):
    TRIES.labels(_outcome)
for _reason in DisabledReason:
    DISABLED.labels(_reason)

log = structlog.get_logger(__name__)


class Carrier(Protocol):
    """`app.webhooks.sender.Sender`."""

    async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Courier:
    """What the worker's process lends to every delivery."""

    database: Database
    sender: Carrier
    seal: SecretSeal
    allow_hosts: frozenset[HostPort] = frozenset()
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """One delivery, taken up, with what signs it."""

    delivery: WebhookDelivery
    url: str
    secrets: list[str]

    @property
    def origin(self) -> Origin:
        return Origin(self.delivery.request_id, self.delivery.traceparent)


async def deliver(courier: Courier, organization_id: UUID) -> int:
    """How many tries were made. Raises where our own database fails: the queue tries the job again."""
    until = courier.clock() + SLICE_SECONDS
    tries = 0
    while courier.clock() < until:
        order = await _take_up(courier, organization_id)
        if order is None:
            return tries
        tries += 1
        # The job is anybody's nudge; the try is part of the request that the delivery came from.
        with resumed(order.origin):
            await _close(courier, order, await _send(courier, order))
    await _hand_on(courier, organization_id)
    return tries


async def nudge_due(database: Database) -> int:
    """How many organisations had something due; each has a job for it now, whatever became of the first."""
    async with database.transaction() as session:
        due = await due_organizations(session, at_most=RENUDGED_AT_ONCE)
    for organization_id in due:
        async with database.transaction(Tenant(organization_id)) as session:
            priority = await delivery_priority(session, organization_id)
            await nudge(session, organization_id, organization_id, priority=priority)
    return len(due)


async def _take_up(courier: Courier, organization_id: UUID) -> Order | None:
    async with courier.database.transaction(Tenant(organization_id)) as session:
        store = DeliveryStore(session, organization_id)
        delivery = await store.claim()
        if delivery is None:
            return None
        webhook = await store.webhook_of(delivery)
        if webhook.secret is None:
            # The callbacks' first; whoever wants to verify asks for one of their own.
            webhook = await store.webhook_locked(delivery)
            if webhook.secret is None:
                give_secret(webhook, courier.seal, now=courier.now())
        secrets = valid_secrets(webhook, courier.seal, now=courier.now())
        return Order(delivery, delivery.url or webhook.url or "", secrets)


async def _send(courier: Courier, order: Order) -> Outcome:
    if not order.secrets:
        return Outcome(DeliveryFailure.INTERNAL, internal="the secret cannot be opened")
    message = Message(order.delivery.id, order.url, order.delivery.payload)
    headers = signed_headers(message, order.secrets, now=courier.now())
    with span("POST", kind=SpanKind.CLIENT, attributes=_span_attributes(order.delivery)) as made:
        headers |= current_origin().as_headers()
        outcome = await courier.sender.post(order.url, order.delivery.payload, headers)
        made.set_attribute("precis.outcome", outcome.failure or "delivered")
    return outcome


def _span_attributes(delivery: WebhookDelivery) -> dict[str, str | int]:
    return {
        "http.request.method": "POST",
        "precis.delivery_id": str(delivery.id),
        "precis.attempt": delivery.attempts,
        "precis.organization_id": str(delivery.organization_id),
    }


async def _close(courier: Courier, order: Order, outcome: Outcome) -> None:
    delivery, now = order.delivery, courier.now()
    TRIES.labels(outcome.failure or "delivered").inc()
    async with courier.database.transaction(Tenant(delivery.organization_id)) as session:
        store = DeliveryStore(session, delivery.organization_id)
        values = outcome_values(delivery, outcome, now)
        if not await store.close(delivery, values):
            log.warning("delivery_overtaken", delivery_id=str(delivery.id), attempt=delivery.attempts)
            return
        rests = await _judge(session, delivery, outcome=outcome, now=now)
        if values["status"] == DeliveryStatus.PENDING:
            due = max(values["next_attempt_at"], rests or now)
            await nudge(session, delivery.organization_id, delivery.id, run_at=due)
    log.info(
        "delivery_tried",
        delivery_id=str(delivery.id),
        failure=outcome.failure,
        status=outcome.status,
        internal=outcome.internal,
    )


def outcome_values(
    delivery: WebhookDelivery, outcome: Outcome, now: datetime
) -> dict[str, Any]:  # Any: column values
    values: dict[str, Any] = {  # Any: as above
        "status": DeliveryStatus.DELIVERED,
        "failure": outcome.failure,
        "response_status": outcome.status,
        "response_body": outcome.body,
        "duration_ms": outcome.milliseconds,
    }
    if outcome.failure is None:
        return values
    failed_tries = delivery.failed_tries + 1
    pause = None if outcome.failure is DeliveryFailure.GONE else pause_after(failed_tries)
    if pause is None:
        return values | {"status": DeliveryStatus.FAILED, "failed_tries": failed_tries}
    again = {"status": DeliveryStatus.PENDING, "next_attempt_at": now + pause}
    return values | again | {"failed_tries": failed_tries}


async def _judge(
    session: AsyncSession, delivery: WebhookDelivery, *, outcome: Outcome, now: datetime
) -> datetime | None:
    """Until when the endpoint is left alone."""
    store = DeliveryStore(session, delivery.organization_id)
    if outcome.failure is None:
        await store.forget_failures(delivery)
        return None
    webhook = await store.webhook_locked(delivery)
    if outcome.failure is DeliveryFailure.INTERNAL:
        return webhook.resting_until
    gone = outcome.failure is DeliveryFailure.GONE
    reason = note_failure(webhook, gone=gone, now=now)
    if reason is not None:
        await _tell_of_disabling(session, webhook, reason)
    return webhook.resting_until


async def _tell_of_disabling(session: AsyncSession, webhook: Webhook, reason: DisabledReason) -> None:
    DISABLED.labels(reason).inc()
    event = AuditEvent(
        AuditAction.WEBHOOK_DISABLED,
        organization_id=webhook.organization_id,
        actor_kind="system",
        target=("webhook", webhook.id),
        details={"reason": reason},
    )
    await record(session, event)
    facts = {"webhook": str(webhook.id), "reason": reason}
    for owner_id in await UsageRepository(session, webhook.organization_id).owners():
        await queue_mail(session, Mail.WEBHOOK_DISABLED, user_id=owner_id, facts=facts)


async def _hand_on(courier: Courier, organization_id: UUID) -> None:
    async with courier.database.transaction(Tenant(organization_id)) as session:
        priority = await delivery_priority(session, organization_id)
        await nudge(session, organization_id, organization_id, priority=priority)
