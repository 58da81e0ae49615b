"""POST /summaries/import."""

from fastapi import APIRouter, Depends, Request

from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute
from app.core.limits import Limit, limited
from app.core.openapi import problems
from app.organizations.usage.errors import QuotaExceededError
from app.summaries.batches.answers import MULTI_STATUS
from app.summaries.imports.openapi import IMPORT_BODY
from app.summaries.imports.parameters import ImportDep, count_import
from app.summaries.imports.report import report_of
from app.summaries.imports.schemas import ImportView

router = APIRouter(route_class=IdempotentRoute)


@router.post(
    "/import",
    name="create",
    status_code=MULTI_STATUS,
    dependencies=[limited(Limit.SUMMARIES_CREATE), Depends(count_import)],
    openapi_extra=IMPORT_BODY,
    responses=problems(QuotaExceededError, *IDEMPOTENCY_ERRORS),
)
async def import_list(job: ImportDep, request: Request) -> ImportView:
    """Have every page of a list summarised.

    Text with a URL a line, CSV with a column `url` (and title, tags, notes), OPML, or the bookmarks that a
    browser exports, whose folders become tags.

    Up to 1,000 rows, each in a transaction of its own; a bad row is reported and loses nothing of the others.
    What I have already is not made again, unless `on_duplicate` says so.
    """
    read = await job.read()
    return report_of(read, await job.take(read), request)
