"""What the webhook routes are given: services by permission, parsed parameters."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from app.core.guard import OwnSession, require
from app.core.ids import ID_SCHEMA, parse_id
from app.core.principal import Principal, Scope
from app.outbox.deliveries import WebhookEvent
from app.webhooks.errors import DeliveryNotFoundError, WebhookNotFoundError
from app.webhooks.repository import DeliveryFilters
from app.webhooks.service import WebhookParts, WebhookService
from app.webhooks.vocabulary import DeliveryStatus

CanReadWebhooks = Annotated[Principal, require(Scope.WEBHOOKS_READ)]
CanWriteWebhooks = Annotated[Principal, require(Scope.WEBHOOKS_WRITE)]


async def get_parts(request: Request) -> WebhookParts:
    state = request.app.state
    return WebhookParts(state.webhook_seal, state.cursors, allow_hosts=state.settings.fetch_allowed)


PartsDep = Annotated[WebhookParts, Depends(get_parts)]


async def reading_service(principal: CanReadWebhooks, session: OwnSession, parts: PartsDep) -> WebhookService:
    return WebhookService(session, principal, parts)


async def writing_service(
    principal: CanWriteWebhooks, session: OwnSession, parts: PartsDep
) -> WebhookService:
    return WebhookService(session, principal, parts)


async def get_webhook_id(webhook_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(webhook_id)
    if parsed is None:
        raise WebhookNotFoundError
    return parsed


async def get_delivery_id(delivery_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(delivery_id)
    if parsed is None:
        raise DeliveryNotFoundError
    return parsed


async def get_filters(
    status: DeliveryStatus | None = None, event: WebhookEvent | None = None
) -> DeliveryFilters:
    return DeliveryFilters(status, event)


ReadingService = Annotated[WebhookService, Depends(reading_service)]
WritingService = Annotated[WebhookService, Depends(writing_service)]
WebhookId = Annotated[UUID, Depends(get_webhook_id)]
DeliveryId = Annotated[UUID, Depends(get_delivery_id)]
FiltersDep = Annotated[DeliveryFilters, Depends(get_filters)]
