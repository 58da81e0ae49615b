"""Leaving with everything: the list, whole, as a file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from app.core.db import DatabaseDep
from app.core.draining import draining_of
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.openapi import problems
from app.core.openapi_limits import EXACT
from app.summaries.exports.export import Exporter, Wanted
from app.summaries.exports.vocabulary import MEDIA_TYPES, ExportFormat
from app.summaries.parameters import CanReadSummaries
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.errors import TooManyStreamsError
from app.summaries.schemas import SummaryWithText
from app.summaries.search.parameters import FiltersDep, Order

router = APIRouter()

FILE = {"type": "string", "format": "binary"}
# As many as the list has.
WHOLE = {
    "type": "array",
    "items": {"$ref": f"#/components/schemas/{SummaryWithText.__name__}"},
    "maxItems": EXACT,
}
FILES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI JSON
    200: {
        "description": "Every summary that the list has with these filters, in the list's order. The answer "
        "is complete where the transfer ends as HTTP says (its last chunk); a fault in the middle, the end "
        "of the credential or of an hour breaks the connection off. `ndjson` and `json` hold what "
        "GET /summaries/{id} shows. A JSON array cut short has no closing bracket; NDJSON ends in a line "
        "of its own where `end_marker` asks for one.",
        "content": {
            media_type.partition(";")[0]: {"schema": WHOLE if kind is ExportFormat.JSON else FILE}
            for kind, media_type in MEDIA_TYPES.items()
        },
    }
}


async def open_exporter(
    principal: CanReadSummaries, database: DatabaseDep, filters: FiltersDep, order: Order, request: Request
) -> AsyncIterator[Exporter]:
    """One of the person's streams, until the answer has been sent or its client has gone."""
    state = request.app.state
    desk: ProgressDesk = state.progress
    with desk.slots.of(principal):
        yield Exporter(
            database,
            Wanted(principal, filters, order),
            is_living=partial(desk.hub.is_living, principal),
            is_draining=draining_of(state),
        )


async def count_export(principal: CanReadSummaries, request: Request) -> None:
    """By person: of a team each may leave."""
    limiter: AsyncLimiter = request.app.state.limiter
    hit = Hit(Limit.SUMMARIES_EXPORT, principal.tenant, str(principal.user_id))
    await limiter.enforce(request, [hit])


ExporterDep = Annotated[Exporter, Depends(open_exporter, scope="request")]


@router.get(
    "/export",
    response_class=StreamingResponse,
    dependencies=[Depends(count_export)],
    responses={**FILES, **problems(TooManyStreamsError)},
)
async def export(
    exporter: ExporterDep,
    format: ExportFormat = ExportFormat.NDJSON,  # noqa: A002  # the parameter's name in the URL
    *,
    end_marker: Annotated[
        bool, Query(description='NDJSON: end with the line `{"end": true, "count": …}`.')
    ] = False,
) -> StreamingResponse:
    """All of the list as one file: NDJSON, CSV, Markdown or JSON. Ten an hour and person."""
    chunks = await exporter.begin(format, end_marker=end_marker)
    name = f"summaries-{datetime.now(UTC):%Y-%m-%d}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks, media_type=MEDIA_TYPES[format], headers=headers)
