"""The product's routes."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from app.core.conditional import PreconditionFailedError
from app.core.early.reads import missed
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute
from app.core.limits import Limit, limited
from app.core.middleware.head import WAS_HEAD
from app.core.openapi import problems
from app.core.page_answer import rendered_page
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.core.tagged_answer import IfMatch, IfNoneMatch
from app.organizations.usage.errors import QuotaExceededError
from app.summaries import answers
from app.summaries.errors import (
    SummaryForbiddenError,
    SummaryNotFailedError,
    SummaryNotFoundError,
)
from app.summaries.parameters import (
    DeletingService,
    IntakeDep,
    ReadingService,
    SummaryId,
    WaitSeconds,
    WritingService,
)
from app.summaries.schemas import (
    CountView,
    SummaryChanges,
    SummaryDraft,
    SummaryItem,
    SummaryView,
    SummaryWithText,
)
from app.summaries.search.parameters import AtMost, FiltersDep, ListOrder

router = APIRouter(route_class=IdempotentRoute)

FINISHED: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    201: {"model": SummaryView, "description": "Finished within the wait: ready, or failed."}
}
EQUAL: dict[int | str, dict[str, Any]] = {
    200: {"model": SummaryView, "description": "I have an equal one, and asked for it (on_duplicate=return)."}
}  # Any: as above
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not changed since If-None-Match."}
}  # Any: as above
RETRY_ERRORS = (
    *(SummaryForbiddenError, SummaryNotFoundError, SummaryNotFailedError),
    *(QuotaExceededError, *IDEMPOTENCY_ERRORS),
)
CHANGE_ERRORS = problems(SummaryForbiddenError, SummaryNotFoundError, PreconditionFailedError)


@router.post(
    "",
    status_code=202,
    response_model=SummaryView,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses={**EQUAL, **FINISHED, **problems(QuotaExceededError, *IDEMPOTENCY_ERRORS)},
)
async def create(draft: SummaryDraft, intake: IntakeDep, wait: WaitSeconds, request: Request) -> Response:
    """Have a page, a text or a document's HTML summarised."""
    submission = await intake.submit(draft, wait_seconds=wait)
    return answers.answered(submission, request, waited=wait)


@router.get("", name="list", response_model=Page[SummaryItem], responses=problems(InvalidCursorError))
async def list_page(
    service: ReadingService, filters: FiltersDep, order: ListOrder, page: PageQuery, request: Request
) -> Response:
    """The summaries that I may read: mine, and those shared with the organisation."""
    return rendered_page(await service.page(filters, order, page), request)


@router.get("/count")
async def count(service: ReadingService, filters: FiltersDep, at_most: AtMost = None) -> CountView:
    """How many the list has in all."""
    return CountView(count=await service.count(filters, at_most=at_most))


@router.get(
    "/{summary_id}",
    response_model=SummaryWithText,
    responses={**UNCHANGED, **problems(SummaryNotFoundError)},
)
async def read(
    service: ReadingService,
    summary_id: SummaryId,
    request: Request,
    include: Annotated[Literal["text"] | None, Query(description="Also the extracted text.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One summary."""
    is_seen = WAS_HEAD not in request.scope
    if include:
        document = await service.document_with_text(summary_id, is_seen=is_seen)
    else:
        document = await service.document(summary_id, is_seen=is_seen, missed=missed(request))
    return answers.read(document, if_none_match)


@router.put("/{summary_id}", responses=CHANGE_ERRORS)
async def replace(
    service: WritingService,
    summary_id: SummaryId,
    changes: SummaryChanges,
    response: Response,
    if_match: IfMatch = None,
) -> SummaryView:
    """Change what the body names; a field left out stays, as with PATCH."""
    return answers.changed(await service.change(summary_id, changes, if_match=if_match), response)


@router.patch("/{summary_id}", responses=CHANGE_ERRORS)
async def change(
    service: WritingService,
    summary_id: SummaryId,
    changes: SummaryChanges,
    response: Response,
    if_match: IfMatch = None,
) -> SummaryView:
    """Change what the body names; a field left out stays."""
    return answers.changed(await service.change(summary_id, changes, if_match=if_match), response)


@router.delete("/{summary_id}", status_code=204, response_class=Response, responses=CHANGE_ERRORS)
async def trash(service: DeletingService, summary_id: SummaryId, if_match: IfMatch = None) -> None:
    """Move a summary to the trash."""
    await service.trash(summary_id, if_match=if_match)


@router.post(
    "/{summary_id}/retry",
    status_code=202,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses={**FINISHED, **problems(*RETRY_ERRORS)},
)
async def retry(
    intake: IntakeDep, summary_id: SummaryId, wait: WaitSeconds, request: Request, response: Response
) -> SummaryView:
    """Try a failed summary again. One that was cancelled counts once more against the plan."""
    summary = await intake.retry(summary_id, wait_seconds=wait)
    return answers.accepted(summary, request, response, waited=wait)
