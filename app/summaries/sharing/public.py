"""GET /s/{share_id}: what anybody sees who has the link."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from app.core.db import DatabaseDep
from app.core.http import accepts_html, matches_if_none_match, strong_etag
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.tagged_answer import IfNoneMatch
from app.core.web_address import web_address
from app.summaries.sharing import page
from app.summaries.sharing.errors import SharedPageNotFoundError
from app.summaries.sharing.negotiation import Accept, is_seen, prefers_json
from app.summaries.sharing.repository import SharedRow
from app.summaries.sharing.schemas import SharedSummary
from app.summaries.sharing.service import open_link
from app.summaries.sharing.views import ViewCounter

router = APIRouter()

HTML: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}  # Any: OpenAPI JSON
MISSING = problems(SharedPageNotFoundError)[404]
ANSWERS: dict[int | str, dict[str, Any]] = {  # Any: as above
    200: {"description": "The page; JSON where Accept asks for it.", "content": HTML},
    304: {"description": "Not changed since If-None-Match."},
    404: {**MISSING, "content": {**MISSING["content"], **HTML}},
}


@router.get(
    "/s/{share_id}",
    response_model=SharedSummary,
    responses=ANSWERS,
    dependencies=[limited(Limit.PUBLIC_READ)],
    openapi_extra=ANONYMOUS,
)
async def read(
    share_id: Annotated[str, Path(json_schema_extra={"maxLength": 100})],
    database: DatabaseDep,
    request: Request,
    accept: Accept = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A shared summary, as a page for people or as JSON."""
    try:
        found = await open_link(database, share_id)
    except SharedPageNotFoundError:
        if accepts_html(accept):
            return HTMLResponse(page.render_missing(), status_code=404, headers=dict(page.HEADERS))
        raise
    if is_seen(request):
        views: ViewCounter = request.app.state.share_views
        views.count(found.organization_id, found.row.summary_id)
    return _answer(_shown(found.row), accept, if_none_match)


def _shown(row: SharedRow) -> SharedSummary:
    return SharedSummary(
        title=row.title,
        url=web_address(row.url),
        language=row.language,
        summary=row.summary or "",
        key_points=row.key_points,
    )


def _answer(shared: SharedSummary, accept: str, if_none_match: str | None) -> Response:
    is_json = prefers_json(accept)
    body = (shared.model_dump_json() if is_json else page.render(shared)).encode()
    # Of the bytes, the page's own form too: a style that changed must not meet the former page.
    etag = strong_etag(hashlib.sha256(body).hexdigest()[:32])
    headers = {**page.HEADERS, "ETag": etag}
    if matches_if_none_match(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    media_type = "application/json" if is_json else "text/html; charset=utf-8"
    return Response(body, media_type=media_type, headers=headers)
