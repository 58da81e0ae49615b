"""Webhooks' one door for whoever makes an event: what is to be delivered commits with what happened.

The rows and their jobs are written in the transaction of the action. The worker's side is
`app/webhooks/tasks.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.core.jobs import WEBHOOK_QUEUE, enqueue
from app.core.origin import current_origin
from app.core.schemas import to_rfc3339
from app.outbox.repository import OutboxRepository

DELIVER = "webhooks.deliver"
# So many deliveries that wait put a tenant's next one a step behind everybody else's.
BACKLOG_PER_STEP = 10
BACKLOG_COUNTED = 1000


class WebhookEvent(StrEnum):
    SUMMARY_READY = "summary.ready"
    SUMMARY_FAILED = "summary.failed"
    SUMMARY_UPDATED = "summary.updated"
    SUMMARY_DELETED = "summary.deleted"
    SUMMARY_RESTORED = "summary.restored"
    # Only by POST /webhooks/{id}/test: nobody subscribes to it.
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Happening:
    """What is to be told. `facts` become `data` of the payload: JSON values, nothing secret."""

    event: WebhookEvent
    organization_id: UUID
    subject_id: UUID | None
    facts: Mapping[str, object]

    def payload(self, now: datetime) -> str:
        """The envelope of Standard Webhooks; its bytes stay the same over all tries."""
        envelope = {"type": self.event, "timestamp": to_rfc3339(now), "data": dict(self.facts)}
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))


async def endpoints_wanting(
    session: AsyncSession, event: WebhookEvent, *, organization_id: UUID
) -> Sequence[UUID]:
    """Where there is none, one look into an index."""
    return await OutboxRepository(session, organization_id).wanting(event)


async def queue_deliveries(
    session: AsyncSession, happening: Happening, webhook_ids: Sequence[UUID], *, url: str | None = None
) -> Sequence[UUID]:
    """The deliveries' ids, in the order of the webhooks. `url`: instead of the webhook's own."""
    if not webhook_ids:
        return []
    ids = [new_id() for _ in webhook_ids]
    pairs = zip(ids, webhook_ids, strict=True)
    rows = [{"id": delivery_id, "webhook_id": webhook_id} for delivery_id, webhook_id in pairs]
    origin = current_origin()
    same = {
        "event": happening.event,
        "subject_id": happening.subject_id,
        "url": url,
        "payload": happening.payload(datetime.now(UTC)),
        "request_id": origin.request_id,
        "traceparent": origin.traceparent,
    }
    priority = await delivery_priority(session, happening.organization_id)
    await OutboxRepository(session, happening.organization_id).add([{**same, **row} for row in rows])
    for delivery_id in ids:
        await nudge(session, happening.organization_id, delivery_id, priority=priority)
    return ids


async def queue_callback(session: AsyncSession, happening: Happening, *, url: str) -> None:
    """To the address that a summary's author named, signed with the organisation's callback secret."""
    webhook_id = await OutboxRepository(session, happening.organization_id).callback()
    await queue_deliveries(session, happening, [webhook_id], url=url)


async def delivery_priority(session: AsyncSession, organization_id: UUID) -> int:
    """Graded by the tenant's backlog: five thousand events of one tenant do not delay another's first."""
    waiting = await OutboxRepository(session, organization_id).backlog(at_most=BACKLOG_COUNTED)
    return -(waiting // BACKLOG_PER_STEP)


async def nudge(
    session: AsyncSession,
    organization_id: UUID,
    about: UUID,
    *,
    priority: int = 0,
    run_at: datetime | None = None,
) -> None:
    """A job that looks what the organisation has to deliver. `about`: one waits for each at most."""
    await enqueue(
        session,
        DELIVER,
        args={"organization_id": str(organization_id)},
        queueing_lock=f"webhooks:{about}",
        priority=priority,
        queue=WEBHOOK_QUEUE,
        run_at=run_at,
    )
