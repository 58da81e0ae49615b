"""GET /feeds/{address}/…: for feed readers, which know an address and no login."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from app.core.db import DatabaseDep
from app.core.guard import count_bad_credential
from app.core.http import matches_if_none_match, strong_etag
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.summaries.feeds.documents import atom, json_feed, last_change
from app.summaries.feeds.errors import FeedNotFoundError
from app.summaries.feeds.service import OpenedFeed, open_feed
from app.summaries.parameters import IfNoneMatch

router = APIRouter(dependencies=[limited(Limit.PUBLIC_READ)])

ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
NEVER = datetime.fromtimestamp(0, UTC)


def answers(media_type: str) -> dict[int | str, dict[str, Any]]:  # Any: OpenAPI JSON
    return {
        200: {"description": "The newest 50.", "content": {media_type: {"schema": {"type": "string"}}}},
        304: {"description": "Not changed since If-None-Match or If-Modified-Since."},
        **problems(FeedNotFoundError),
    }


async def opened(
    address: Annotated[
        str, Path(description="What POST /summaries/feed gave.", json_schema_extra={"maxLength": 100})
    ],
    database: DatabaseDep,
    request: Request,
    tag: Annotated[str, Query(min_length=1, max_length=50)] | None = None,
) -> OpenedFeed:
    """Whoever guesses tokens is slowed down as one who guesses keys."""
    try:
        return await open_feed(database, address, tag=tag)
    except FeedNotFoundError:
        await count_bad_credential(request)
        raise


Opened = Annotated[OpenedFeed, Depends(opened)]
IfModifiedSince = Annotated[str | None, Header(max_length=100)]


@router.get(
    "/feeds/{address}/atom.xml",  # noqa: FAST003  # `opened` reads it
    responses=answers(ATOM),
    response_class=Response,
    openapi_extra=ANONYMOUS,
)
async def read_atom(
    feed: Opened,
    request: Request,
    if_none_match: IfNoneMatch = None,
    if_modified_since: IfModifiedSince = None,
) -> Response:
    """My newest summaries as Atom."""
    body = atom(feed, base_url=request.app.state.settings.base_url)
    return _answer(feed, body, f"{ATOM}; charset=utf-8", (if_none_match, if_modified_since))


@router.get(
    "/feeds/{address}/feed.json",  # noqa: FAST003  # as above
    responses=answers(JSON_FEED),
    response_class=Response,
    openapi_extra=ANONYMOUS,
)
async def read_json(
    feed: Opened,
    request: Request,
    if_none_match: IfNoneMatch = None,
    if_modified_since: IfModifiedSince = None,
) -> Response:
    """My newest summaries as JSON Feed 1.1."""
    body = json_feed(feed, base_url=request.app.state.settings.base_url)
    return _answer(feed, body, JSON_FEED, (if_none_match, if_modified_since))


def _answer(feed: OpenedFeed, body: bytes, media_type: str, known: tuple[str | None, str | None]) -> Response:
    """`known`: If-None-Match, which counts alone where it is sent, and If-Modified-Since."""
    if_none_match, if_modified_since = known
    etag = strong_etag(hashlib.sha256(body).hexdigest()[:32])
    changed = last_change(feed.entries, otherwise=NEVER).replace(microsecond=0)
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(changed, usegmt=True),
        "Cache-Control": "private, no-cache",
        "X-Robots-Tag": "noindex, nofollow",
    }
    if if_none_match is None:
        is_known = _is_since(if_modified_since, changed)
    else:
        is_known = matches_if_none_match(if_none_match, etag)
    if is_known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _is_since(header: str | None, changed: datetime) -> bool:
    """What cannot be read counts for nothing (RFC 9110, section 13.1.3)."""
    try:
        known = parsedate_to_datetime(header or "")
    except ValueError:
        return False
    return known.tzinfo is not None and known >= changed
