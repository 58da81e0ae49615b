"""The routes of the trash."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.core.guard import OwnSession
from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.core.page_answer import link_next
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError, PageOfRows
from app.core.plans import PLANS
from app.core.principal import Principal
from app.core.schemas import Page
from app.organizations.usage.errors import QuotaExceededError
from app.summaries import answers
from app.summaries.errors import SummaryForbiddenError, SummaryNotFoundError
from app.summaries.models import Summary
from app.summaries.parameters import (
    CanDeleteSummaries,
    CanReadSummaries,
    CanWriteSummaries,
    DeletingService,
    ReadingService,
    SummaryId,
    SurroundingsDep,
    WritingService,
)
from app.summaries.rendering import view_of
from app.summaries.schemas import SummaryView
from app.summaries.trash.errors import SummaryNotTrashedError
from app.summaries.trash.schemas import EmptiedView, TrashedView
from app.summaries.trash.service import TrashService

router = APIRouter()

ERRORS = problems(SummaryNotFoundError, SummaryForbiddenError, SummaryNotTrashedError)


async def reading(
    principal: CanReadSummaries, session: OwnSession, summaries: ReadingService
) -> TrashService:
    return TrashService(session, principal, summaries)


async def restoring(
    principal: CanWriteSummaries, session: OwnSession, summaries: WritingService
) -> TrashService:
    return TrashService(session, principal, summaries)


async def erasing(
    principal: CanDeleteSummaries, session: OwnSession, summaries: DeletingService
) -> TrashService:
    return TrashService(session, principal, summaries)


@router.get("/trash", name="list", responses=problems(InvalidCursorError))
async def list_trash(
    service: Annotated[TrashService, Depends(reading)],
    principal: CanReadSummaries,
    surroundings: SurroundingsDep,
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[TrashedView]:
    """What I have thrown away, the last first; as an admin also what others shared with the organisation."""
    rows = await service.page(surroundings.cursors, page)
    link_next(rows.next_cursor, request, response)
    return _page(rows, principal)


@router.delete("/trash", name="empty")
async def empty(service: Annotated[TrashService, Depends(erasing)]) -> EmptiedView:
    """Erase for good what I have thrown away, 500 at once, the oldest first."""
    erased, has_more = await service.empty()
    return EmptiedView(erased=erased, has_more=has_more)


@router.delete("/trash/{summary_id}", status_code=204, response_class=Response, responses=ERRORS)
async def erase(service: Annotated[TrashService, Depends(erasing)], summary_id: SummaryId) -> None:
    """Erase one of the trash for good."""
    await service.erase(summary_id)


@router.post(
    "/{summary_id}/restore",
    dependencies=[limited(Limit.SUMMARIES_CREATE)],
    responses={**ERRORS, **problems(QuotaExceededError)},
)
async def restore(
    service: Annotated[TrashService, Depends(restoring)], summary_id: SummaryId, response: Response
) -> SummaryView:
    """Take a summary back out of the trash. One that was unfinished is begun again, and counted."""
    return answers.changed(await service.restore(summary_id), response)


def _page(rows: PageOfRows[Summary], principal: Principal) -> Page[TrashedView]:
    kept = timedelta(days=PLANS[principal.plan].trash_days)
    items = [_view(summary, kept) for summary in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor, has_more=rows.has_more)


def _view(summary: Summary, kept: timedelta) -> TrashedView:
    assert summary.deleted_at is not None, "it is in the trash"  # noqa: S101  # by the query
    times = {"deleted_at": summary.deleted_at, "kept_until": summary.deleted_at + kept}
    return TrashedView.model_validate({**view_of(summary).model_dump(), **times})
