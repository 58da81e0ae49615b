"""What was sent to a webhook, and sending it again."""

from fastapi import APIRouter, Request, Response

from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceInOwnSession
from app.core.openapi import problems
from app.core.page_answer import link_next
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.webhooks import answers
from app.webhooks.errors import DeliveryNotFoundError, WebhookDisabledError, WebhookNotFoundError
from app.webhooks.parameters import DeliveryId, FiltersDep, ReadingService, WebhookId, WritingService
from app.webhooks.schemas import DeliveryOut, DeliveryWithBodies

router = APIRouter(route_class=IdempotentRoute)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    responses=problems(WebhookNotFoundError, WebhookDisabledError, *IDEMPOTENCY_ERRORS),
)
async def test(webhooks: WritingService, webhook_id: WebhookId, _once: OnceInOwnSession) -> DeliveryOut:
    """Send it the event webhook.test, as any other event is sent."""
    return answers.delivery(await webhooks.send_test(webhook_id))


@router.get(
    "/{webhook_id}/deliveries",
    name="list_deliveries",
    responses=problems(WebhookNotFoundError, InvalidCursorError),
)
async def list_page(
    webhooks: ReadingService,
    webhook_id: WebhookId,
    filters: FiltersDep,
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[DeliveryOut]:
    """What was sent to it in the last 30 days, the newest first."""
    rows = await webhooks.deliveries(webhook_id, filters, page)
    link_next(rows.next_cursor, request, response)
    items = [answers.delivery(row) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor, has_more=rows.has_more)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    name="read_delivery",
    responses=problems(WebhookNotFoundError, DeliveryNotFoundError),
)
async def read(
    webhooks: ReadingService, webhook_id: WebhookId, delivery_id: DeliveryId
) -> DeliveryWithBodies:
    """One delivery, with what was sent and the beginning of what was answered."""
    return answers.delivery_with_bodies(await webhooks.delivery(webhook_id, delivery_id))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=problems(WebhookNotFoundError, DeliveryNotFoundError, WebhookDisabledError),
)
async def redeliver(webhooks: WritingService, webhook_id: WebhookId, delivery_id: DeliveryId) -> DeliveryOut:
    """Send it again, under the same id and as if for the first time."""
    return answers.delivery(await webhooks.redeliver(webhook_id, delivery_id))
