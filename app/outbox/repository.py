"""What a tenant's webhooks are told, as rows: written in the transaction of what happened."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id

# KEY SHARE: an endpoint that is deleted at this moment is either kept until we commit, or not among them.
WANTING = text(
    "SELECT id FROM webhooks WHERE organization_id = :organization_id AND kind = 'endpoint'"
    " AND disabled_at IS NULL AND deleted_at IS NULL AND :event = ANY (events) ORDER BY id FOR KEY SHARE"
)
ADD = text(
    "INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event, subject_id, url, payload,"
    " request_id, traceparent)"
    " VALUES (:id, :organization_id, :webhook_id, :event, :subject_id, :url, :payload,"
    " :request_id, :traceparent)"
)
BACKLOG = text(
    "SELECT count(*) FROM (SELECT FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id"
    " WHERE w.organization_id = :organization_id AND w.disabled_at IS NULL AND d.status = 'pending'"
    " LIMIT :most) AS waiting"
)
ADD_CALLBACK = text(
    "INSERT INTO webhooks (id, organization_id, kind, events, version, failures)"
    " VALUES (:id, :organization_id, 'callback', '{}', 1, 0)"
    " ON CONFLICT (organization_id) WHERE kind = 'callback' DO NOTHING"
)
CALLBACK = text(
    "SELECT id FROM webhooks WHERE organization_id = :organization_id AND kind = 'callback' FOR KEY SHARE"
)


class OutboxRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._tenant = {"organization_id": organization_id}

    async def wanting(self, event: str) -> Sequence[UUID]:
        """The endpoints that are to be told of it."""
        return (await self._session.scalars(WANTING, {**self._tenant, "event": event})).all()

    async def callback(self) -> UUID:
        """What signs calls to addresses that summaries name; made with the first of them."""
        known: UUID | None = (await self._session.scalars(CALLBACK, self._tenant)).one_or_none()
        if known is not None:
            return known
        await self._session.execute(ADD_CALLBACK, {**self._tenant, "id": new_id()})
        made: UUID = (await self._session.scalars(CALLBACK, self._tenant)).one()
        return made

    async def add(self, deliveries: Sequence[Mapping[str, object]]) -> None:
        """`deliveries`: the columns of each, without the tenant's."""
        await self._session.execute(ADD, [{**self._tenant, **delivery} for delivery in deliveries])

    async def backlog(self, *, at_most: int) -> int:
        """How many wait to be sent."""
        return await self._session.scalar(BACKLOG, {**self._tenant, "most": at_most}) or 0
