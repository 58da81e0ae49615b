"""Where an organisation is told of what happens."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.core.conditional import PreconditionFailedError
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceForSameScopes
from app.core.location import MADE
from app.core.openapi import problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.core.tagged_answer import IfMatch, IfNoneMatch
from app.webhooks import answers
from app.webhooks.errors import TooManyWebhooksError, WebhookNotFoundError
from app.webhooks.parameters import ReadingService, WebhookId, WritingService
from app.webhooks.schemas import (
    SecretOut,
    SecretRotated,
    WebhookChanges,
    WebhookCreated,
    WebhookIn,
    WebhookOut,
)

router = APIRouter(route_class=IdempotentRoute)

UNCHANGED: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    304: {"description": "Not changed since If-None-Match."}
}


@router.post("", status_code=201, responses={**MADE, **problems(TooManyWebhooksError, *IDEMPOTENCY_ERRORS)})
async def create(
    wanted: WebhookIn,
    webhooks: WritingService,
    request: Request,
    response: Response,
    _once: OnceForSameScopes,
) -> WebhookCreated:
    """Have a URL told of what happens; its secret is shown in this answer and never again."""
    return answers.created(await webhooks.create(wanted), request, response)


@router.get("", name="list", responses=problems(InvalidCursorError))
async def list_page(
    webhooks: ReadingService, page: PageQuery, request: Request, response: Response
) -> Page[WebhookOut]:
    """The organisation's webhooks, the oldest first; there are at most 20."""
    return page_of(WebhookOut, await webhooks.page(page), request=request, response=response)


@router.get("/callback-secret")
async def read_callback_secret(webhooks: ReadingService) -> SecretOut:
    """Since when there is a secret that signs the callbacks of summaries. Itself it is never shown again."""
    return answers.callback_secret(await webhooks.callback_webhook())


@router.post("/callback-secret", responses=problems(*IDEMPOTENCY_ERRORS))
async def rotate_callback_secret(
    webhooks: WritingService, response: Response, _once: OnceForSameScopes
) -> SecretRotated:
    """Make the secret that signs callbacks, or replace it; the former signs beside it for 24 hours."""
    return answers.rotated(await webhooks.rotate_callback_secret(), response)


@router.get(
    "/{webhook_id}", response_model=WebhookOut, responses={**UNCHANGED, **problems(WebhookNotFoundError)}
)
async def read(
    webhooks: ReadingService, webhook_id: WebhookId, if_none_match: IfNoneMatch = None
) -> Response:
    """One webhook."""
    return answers.read(await webhooks.get(webhook_id), if_none_match)


@router.patch("/{webhook_id}", responses=problems(WebhookNotFoundError, PreconditionFailedError))
async def change(
    webhooks: WritingService,
    webhook_id: WebhookId,
    changes: WebhookChanges,
    response: Response,
    if_match: IfMatch = None,
) -> WebhookOut:
    """Change what the body names, or switch it on or off; a field left out stays."""
    return answers.changed(await webhooks.change(webhook_id, changes, if_match=if_match), response)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_class=Response,
    responses=problems(WebhookNotFoundError, PreconditionFailedError),
)
async def delete(webhooks: WritingService, webhook_id: WebhookId, if_match: IfMatch = None) -> None:
    """Delete it; what was not delivered yet never will be."""
    await webhooks.delete(webhook_id, if_match=if_match)


@router.post("/{webhook_id}/rotate-secret", responses=problems(WebhookNotFoundError, *IDEMPOTENCY_ERRORS))
async def rotate_secret(
    webhooks: WritingService, webhook_id: WebhookId, response: Response, _once: OnceForSameScopes
) -> SecretRotated:
    """Replace its secret; for 24 hours deliveries are signed with the former one too."""
    return answers.rotated(await webhooks.rotate_secret(webhook_id), response)
