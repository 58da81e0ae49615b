"""What may be done with an organisation's webhooks; each change is in its audit log."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.second_factor.sealing import SecretSeal
from app.core.conditional import PreconditionFailedError
from app.core.errors import FieldFault, ValidationFailedError
from app.core.http import matches_if_match, strong_etag
from app.core.ids import new_id
from app.core.pagination import CursorCodec, PageOfRows, PageRequest, Pagination
from app.core.principal import Principal
from app.organizations.journal import note
from app.outbox.deliveries import Happening, WebhookEvent, nudge, queue_deliveries
from app.reading.delivery_urls import parse_delivery_url
from app.reading.urls import HostPort, InvalidUrlError
from app.webhooks.errors import (
    DeliveryNotFoundError,
    TooManyWebhooksError,
    WebhookDisabledError,
    WebhookNotFoundError,
)
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.repository import NEWEST_FIRST, OLDEST_FIRST, DeliveryFilters, WebhookRepository
from app.webhooks.schemas import WebhookChanges, WebhookIn
from app.webhooks.signing import give_secret
from app.webhooks.vocabulary import MAX_WEBHOOKS, DisabledReason

ENABLED: dict[str, Any] = {  # Any: column values
    "disabled_at": None,
    "disabled_reason": None,
    "failures": 0,
    "failing_since": None,
    "resting_until": None,
}


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """What of the process a request's service works with. `allow_hosts`: FETCH_ALLOW_HOSTS."""

    seal: SecretSeal
    cursors: CursorCodec
    allow_hosts: frozenset[HostPort] = frozenset()


@dataclass(frozen=True, slots=True)
class WithSecret:
    """The only time that `secret` is shown."""

    webhook: Webhook
    secret: str


def etag_of(webhook: Webhook) -> str:
    return strong_etag(webhook.version)


class WebhookService:
    """Of the organisation that `principal` is bound to, inside the transaction of `session`."""

    def __init__(self, session: AsyncSession, principal: Principal, parts: WebhookParts) -> None:
        self._session = session
        self._principal = principal
        self._parts = parts
        self._webhooks = WebhookRepository(session, principal.organization_id)

    async def create(self, wanted: WebhookIn) -> WithSecret:
        """Raises TooManyWebhooksError, ValidationFailedError (url)."""
        self._check_url(wanted.url)
        await self._webhooks.lock_organization()
        if await self._webhooks.count() >= MAX_WEBHOOKS:
            raise TooManyWebhooksError
        webhook = Webhook(id=new_id(), organization_id=self._principal.organization_id, **wanted.model_dump())
        secret = give_secret(webhook, self._parts.seal, now=datetime.now(UTC))
        await self._webhooks.add(webhook)
        await self._note(AuditAction.WEBHOOK_CREATED, webhook, events=" ".join(webhook.events))
        return WithSecret(webhook, secret)

    async def get(self, webhook_id: UUID) -> Webhook:
        """Raises WebhookNotFoundError."""
        webhook = await self._webhooks.find(webhook_id)
        if webhook is None:
            raise WebhookNotFoundError
        return webhook

    async def page(self, request: PageRequest) -> PageOfRows[Webhook]:
        scope = {"organization_id": self._principal.organization_id}
        return await self._webhooks.page(Pagination(self._parts.cursors, OLDEST_FIRST, request, scope))

    async def change(self, webhook_id: UUID, changes: WebhookChanges, *, if_match: str | None) -> Webhook:
        """Raises WebhookNotFoundError, PreconditionFailedError, ValidationFailedError (url)."""
        webhook = await self._changeable(webhook_id, if_match)
        values = self._values(webhook, changes)
        if not values:
            return webhook
        fields = " ".join(sorted(changes.model_fields_set))
        await self._note(AuditAction.WEBHOOK_CHANGED, webhook, fields=fields)
        if changes.enabled and "enabled" in changes.model_fields_set:
            # What waited meanwhile.
            await nudge(self._session, self._principal.organization_id, webhook.id)
        return await self._webhooks.change(webhook, values)

    async def delete(self, webhook_id: UUID, *, if_match: str | None) -> None:
        """Its secrets at once; its deliveries, however many they are, by upkeep."""
        webhook = await self._changeable(webhook_id, if_match)
        gone = {"deleted_at": datetime.now(UTC), "secret": None, "former_secret": None}
        await self._webhooks.change(webhook, gone)
        await self._note(AuditAction.WEBHOOK_DELETED, webhook)

    async def rotate_secret(self, webhook_id: UUID) -> WithSecret:
        """The former one signs beside it for 24 hours. Raises WebhookNotFoundError."""
        webhook = await self._changeable(webhook_id, None)
        return await self._give_secret(webhook)

    async def callback_webhook(self) -> Webhook | None:
        """None before the first callback, or the first secret for one."""
        return await self._webhooks.find_callback()

    async def rotate_callback_secret(self) -> WithSecret:
        await self._webhooks.lock_organization()
        webhook = await self._webhooks.find_callback()
        if webhook is None:
            webhook = await self._webhooks.add_callback()
        return await self._give_secret(webhook)

    async def send_test(self, webhook_id: UUID) -> WebhookDelivery:
        """Raises WebhookNotFoundError, WebhookDisabledError."""
        webhook = await self._enabled(webhook_id)
        facts = {"webhook_id": str(webhook.id), "message": "It works."}
        test = Happening(WebhookEvent.TEST, webhook.organization_id, None, facts)
        (delivery_id,) = await queue_deliveries(self._session, test, [webhook.id])
        return await self.delivery(webhook_id, delivery_id)

    async def deliveries(
        self, webhook_id: UUID, filters: DeliveryFilters, request: PageRequest
    ) -> PageOfRows[WebhookDelivery]:
        """Raises WebhookNotFoundError, InvalidCursorError."""
        webhook = await self.get(webhook_id)
        scope = {"webhook_id": webhook.id, "status": filters.status, "event": filters.event}
        pagination = Pagination(self._parts.cursors, NEWEST_FIRST, request, scope)
        return await self._webhooks.deliveries(webhook.id, filters, pagination)

    async def delivery(self, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
        """With its bodies. Raises WebhookNotFoundError, DeliveryNotFoundError."""
        webhook = await self.get(webhook_id)
        delivery = await self._webhooks.find_delivery(webhook.id, delivery_id)
        if delivery is None:
            raise DeliveryNotFoundError
        return delivery

    async def redeliver(self, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
        """Under the same id, at once, and with all its tries anew.

        Raises WebhookNotFoundError, DeliveryNotFoundError, WebhookDisabledError.
        """
        webhook = await self._enabled(webhook_id)
        delivery = await self.delivery(webhook.id, delivery_id)
        await self._webhooks.send_again(delivery)
        await nudge(self._session, webhook.organization_id, delivery.id)
        await self._note(AuditAction.WEBHOOK_REDELIVERED, webhook, delivery_id=str(delivery.id))
        return delivery

    async def _enabled(self, webhook_id: UUID) -> Webhook:
        """Somebody is mending it: it need not rest."""
        webhook = await self._changeable(webhook_id, None)
        if not webhook.enabled:
            raise WebhookDisabledError
        webhook.resting_until = None
        return webhook

    async def _changeable(self, webhook_id: UUID, if_match: str | None) -> Webhook:
        webhook = await self._webhooks.find_locked(webhook_id)
        if webhook is None:
            raise WebhookNotFoundError
        if not matches_if_match(if_match, etag_of(webhook)):
            raise PreconditionFailedError
        return webhook

    def _values(self, webhook: Webhook, changes: WebhookChanges) -> dict[str, Any]:  # Any: column values
        values = changes.model_dump(exclude_unset=True, exclude={"enabled"})
        if "url" in values:
            self._check_url(changes.url)
        if "enabled" in changes.model_fields_set:
            values |= ENABLED if changes.enabled else _disabled(webhook)
        return values

    async def _give_secret(self, webhook: Webhook) -> WithSecret:
        now = datetime.now(UTC)
        secret = give_secret(webhook, self._parts.seal, now=now)
        changed = await self._webhooks.change(webhook, {})
        await self._note(AuditAction.WEBHOOK_SECRET_ROTATED, webhook)
        return WithSecret(changed, secret)

    def _check_url(self, url: str) -> None:
        try:
            parse_delivery_url(url, allow_hosts=self._parts.allow_hosts)
        except InvalidUrlError as error:
            raise ValidationFailedError(faults=[FieldFault("/url", error.code, str(error))]) from error

    async def _note(self, action: AuditAction, webhook: Webhook, **details: str) -> None:
        await note(self._session, self._principal, action, target=("webhook", webhook.id), details=details)


async def remove_all(session: AsyncSession, organization_id: UUID) -> None:
    """With the callbacks' secret. The session is bound to the organisation; its log is told of each."""
    webhooks = WebhookRepository(session, organization_id)
    await webhooks.lock_organization()
    ended = [(AuditAction.WEBHOOK_DELETED, webhook_id) for webhook_id in await webhooks.delete_all()]
    forgotten = await webhooks.forget_callback_secret()
    ended += [(AuditAction.WEBHOOK_SECRET_ROTATED, webhook_id) for webhook_id in forgotten]
    for action, webhook_id in ended:
        target = ("webhook", webhook_id)
        await record(session, AuditEvent(action, organization_id, actor_kind="system", target=target))


def _disabled(webhook: Webhook) -> dict[str, Any]:  # Any: column values
    """When it was, and why, stays where it is disabled already."""
    if not webhook.enabled:
        return {}
    return {"disabled_at": datetime.now(UTC), "disabled_reason": DisabledReason.BY_REQUEST}
