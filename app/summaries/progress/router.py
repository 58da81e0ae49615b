"""Watching, cancelling, trying again."""

from typing import Any

from fastapi import APIRouter, Response

from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.organizations.usage.errors import QuotaExceededError
from app.summaries import answers
from app.summaries.errors import SummaryForbiddenError, SummaryNotFoundError
from app.summaries.parameters import CanReadSummaries, SummaryId
from app.summaries.progress.errors import StreamsFullError, SummaryFinishedError, TooManyStreamsError
from app.summaries.progress.event_stream import MEDIA_TYPE
from app.summaries.progress.parameters import DeskDep, GrantDep, StreamDep, WritingProgress
from app.summaries.progress.repository import RetryFilters
from app.summaries.progress.schemas import RetryView, RetryWish, TicketView
from app.summaries.progress.tickets import LIFETIME_SECONDS
from app.summaries.schemas import SummaryView

router = APIRouter()

EVENTS = (
    "Server-sent events named `queued`, `fetching`, `extracting`, `summarising`, and at the end `ready` or "
    "`failed`. Their `data` is JSON: `summary_id`, `status`, `attempt`, `version`, `stages` (milliseconds of "
    "each stage that is over) and `failure`. `reconnect` asks to come back with Last-Event-ID, `end` not to."
)
STREAM: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    200: {"description": EVENTS, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
    204: {"description": "The client has had the last event already."},
}


@router.post(
    "/retry",
    status_code=202,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses=problems(QuotaExceededError),
)
async def retry_failed(wish: RetryWish, service: WritingProgress, grant: GrantDep) -> RetryView:
    """Try my failed summaries again, the oldest first; each counts as one against the limit.

    Those that were cancelled count once more against the plan too; where too few are left, none is begun.
    """
    filters = RetryFilters(wish.reasons, wish.tag, wish.created_after, wish.created_before)
    retried = await service.retry_failed(filters, at_most=wish.limit, grant=grant)
    return RetryView(retried=len(retried.ids), left=retried.left, ids=retried.ids)


@router.post("/ws-ticket", status_code=201)
async def ws_ticket(principal: CanReadSummaries, desk: DeskDep) -> TicketView:
    """A ticket that opens one WebSocket at /ws/summaries."""
    return TicketView(ticket=await desk.tickets.issue(principal), expires_in=LIFETIME_SECONDS)


@router.get(
    "/{summary_id}/events",  # noqa: FAST003  # the stream's own parameter
    response_class=Response,
    responses={**STREAM, **problems(SummaryNotFoundError, TooManyStreamsError, StreamsFullError)},
)
async def events(stream: StreamDep) -> Response:
    """Watch a summary being made."""
    return stream


@router.post(
    "/{summary_id}/cancel",
    responses=problems(SummaryForbiddenError, SummaryNotFoundError, SummaryFinishedError),
)
async def cancel(service: WritingProgress, summary_id: SummaryId, response: Response) -> SummaryView:
    """Stop working on a summary."""
    return answers.changed(await service.cancel(summary_id), response)
