"""Rows as the API shows them, and the headers that go with them."""

import json

from fastapi import Request, Response

from app.core.http import matches_if_none_match
from app.core.tagged_answer import REVALIDATE
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.schemas import (
    DeliveryOut,
    DeliveryWithBodies,
    SecretOut,
    SecretRotated,
    WebhookCreated,
    WebhookOut,
)
from app.webhooks.service import WithSecret, etag_of
from app.webhooks.vocabulary import DeliveryStatus

NEVER_KEPT = "no-store"


def created(made: WithSecret, request: Request, response: Response) -> WebhookCreated:
    base_url: str = request.app.state.settings.base_url
    response.headers["Location"] = f"{base_url}{request.url.path.rstrip('/')}/{made.webhook.id}"
    response.headers["Cache-Control"] = NEVER_KEPT
    return WebhookCreated(**changed(made.webhook, response).model_dump(), secret=made.secret)


def changed(webhook: Webhook, response: Response) -> WebhookOut:
    response.headers["ETag"] = etag_of(webhook)
    return WebhookOut.model_validate(webhook)


def read(webhook: Webhook, if_none_match: str | None) -> Response:
    headers = {"ETag": etag_of(webhook), "Cache-Control": REVALIDATE}
    if matches_if_none_match(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = WebhookOut.model_validate(webhook).model_dump_json()
    return Response(body, media_type="application/json", headers=headers)


def rotated(made: WithSecret, response: Response) -> SecretRotated:
    response.headers["Cache-Control"] = NEVER_KEPT
    webhook = made.webhook
    assert webhook.secret_changed_at is not None  # noqa: S101  # narrows for mypy: it was just given one
    until = webhook.former_secret_until
    return SecretRotated(secret=made.secret, changed_at=webhook.secret_changed_at, former_secret_until=until)


def callback_secret(webhook: Webhook | None) -> SecretOut:
    if webhook is None:
        return SecretOut(changed_at=None, former_secret_until=None)
    return SecretOut(changed_at=webhook.secret_changed_at, former_secret_until=webhook.former_secret_until)


def delivery(row: WebhookDelivery) -> DeliveryOut:
    waits = row.status == DeliveryStatus.PENDING
    return DeliveryOut.model_validate(row).model_copy(update={} if waits else {"next_attempt_at": None})


def delivery_with_bodies(row: WebhookDelivery) -> DeliveryWithBodies:
    shown = delivery(row).model_dump()
    return DeliveryWithBodies(**shown, payload=json.loads(row.payload), response_body=row.response_body)
