"""Making a summary anew, and reading what it said before."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from app.core.conditional import PreconditionFailedError
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute
from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.core.page_answer import link_next
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.core.tagged_answer import IfMatch, IfNoneMatch
from app.organizations.usage.errors import QuotaExceededError
from app.summaries import answers
from app.summaries.errors import (
    NotRefreshableError,
    SummaryForbiddenError,
    SummaryHasNoTextError,
    SummaryNotFoundError,
    SummaryUnfinishedError,
)
from app.summaries.parameters import IntakeDep, SummaryId, WaitSeconds
from app.summaries.redo import RedoKind
from app.summaries.schemas import SummaryView
from app.summaries.versions.errors import VersionNotFoundError
from app.summaries.versions.parameters import Against, VersionNumber, Versions
from app.summaries.versions.schemas import Choices, DifferenceView, VersionItem, VersionWithText

router = APIRouter(route_class=IdempotentRoute)

FINISHED: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    201: {"model": SummaryView, "description": "Finished within the wait: made anew, or as it was before."}
}
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not changed since If-None-Match."}
}  # Any: as above
REDO_ERRORS = (
    *(SummaryForbiddenError, SummaryNotFoundError, SummaryUnfinishedError, PreconditionFailedError),
    *(QuotaExceededError, *IDEMPOTENCY_ERRORS),
)


@router.post(
    "/{summary_id}/regenerate",
    status_code=202,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses={**FINISHED, **problems(SummaryHasNoTextError, *REDO_ERRORS)},
)
async def regenerate(
    intake: IntakeDep,
    summary_id: SummaryId,
    wait: WaitSeconds,
    request: Request,
    response: Response,
    choices: Choices | None = None,
    if_match: IfMatch = None,
) -> SummaryView:
    """Summarise the stored text anew. What it says now becomes a version; where it fails, it stays."""
    options = (choices or Choices()).to_options()
    summary = await intake.redo(
        summary_id, RedoKind.REGENERATE, choices=options, if_match=if_match, wait_seconds=wait
    )
    return answers.accepted(summary, request, response, waited=wait)


@router.post(
    "/{summary_id}/refresh",
    status_code=202,
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses={**FINISHED, **problems(NotRefreshableError, *REDO_ERRORS)},
)
async def refresh(
    intake: IntakeDep,
    summary_id: SummaryId,
    wait: WaitSeconds,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> SummaryView:
    """Fetch the page again. Where its text has changed, what the summary says now becomes a version."""
    summary = await intake.redo(
        summary_id, RedoKind.REFRESH, choices={}, if_match=if_match, wait_seconds=wait
    )
    return answers.accepted(summary, request, response, waited=wait)


@router.get(
    "/{summary_id}/versions", name="list", responses=problems(SummaryNotFoundError, InvalidCursorError)
)
async def list_versions(
    versions: Versions, summary_id: SummaryId, page: PageQuery, request: Request, response: Response
) -> Page[VersionItem]:
    """What a summary said before, the latest first; fifty are kept."""
    found = await versions.page(summary_id, page)
    link_next(found.next_cursor, request, response)
    return Page(items=found.items, next_cursor=found.next_cursor, has_more=found.has_more)


@router.get(
    "/{summary_id}/versions/{version_number}",
    response_model=VersionWithText,
    responses={**UNCHANGED, **problems(SummaryNotFoundError, VersionNotFoundError)},
)
async def read(
    versions: Versions,
    summary_id: SummaryId,
    version_number: VersionNumber,
    include: Annotated[Literal["text"] | None, Query(description="Also the text it was made from.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One version. Its sentences' offsets point into its text."""
    document = versions.document_with_text if include else versions.document
    return answers.read(await document(summary_id, version_number), if_none_match)


@router.get(
    "/{summary_id}/versions/{version_number}/diff",
    response_model=DifferenceView,
    responses={**UNCHANGED, **problems(SummaryNotFoundError, VersionNotFoundError)},
)
async def diff(
    versions: Versions,
    summary_id: SummaryId,
    version_number: VersionNumber,
    against: Against,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """How the summary's wording differs from a version's."""
    return answers.read(await versions.difference(summary_id, version_number, against=against), if_none_match)
