"""GET /feeds/{address}/…: for feed readers, which know an address and no login."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.core.composed import COMPOSED
from app.core.db import DatabaseDep
from app.core.guard import count_bad_credential
from app.core.http import matches_if_none_match, strong_etag
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.tagged_answer import IfNoneMatch
from app.summaries.feeds.documents import atom, json_feed
from app.summaries.feeds.errors import FeedNotFoundError
from app.summaries.feeds.service import OpenedFeed, open_feed

router = APIRouter(dependencies=[limited(Limit.PUBLIC_READ)])

ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
SCHEMAS: dict[str, dict[str, Any]] = {  # Any: OpenAPI JSON
    ATOM: {"type": "string"},
    JSON_FEED: {
        "type": "object",
        "description": "JSON Feed 1.1 (jsonfeed.org).",
        "required": ["version", "title", "items"],
        "properties": {
            "version": {"type": "string"},
            "title": {"type": "string"},
            "home_page_url": {"type": "string", "format": "uri"},
            "items": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        },
    },
}


def answers(media_type: str) -> dict[int | str, dict[str, Any]]:  # Any: OpenAPI JSON
    return {
        200: {"description": "The newest 50.", "content": {media_type: {"schema": SCHEMAS[media_type]}}},
        304: {"description": "If-None-Match names what stands there."},
        **problems(FeedNotFoundError),
    }


async def opened(
    address: Annotated[
        str, Path(description="What POST /summaries/feed gave.", json_schema_extra={"maxLength": 100})
    ],
    database: DatabaseDep,
    request: Request,
    tag: Annotated[str, COMPOSED, Query(min_length=1, max_length=50)] | None = None,
) -> OpenedFeed:
    """Whoever guesses tokens is slowed down as one who guesses keys."""
    try:
        return await open_feed(database, address, tag=tag)
    except FeedNotFoundError:
        await count_bad_credential(request)
        raise


Opened = Annotated[OpenedFeed, Depends(opened)]


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
) -> Response:
    """My newest summaries as Atom."""
    body = atom(feed, base_url=request.app.state.settings.base_url)
    return _answer(body, f"{ATOM}; charset=utf-8", if_none_match)


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
) -> Response:
    """My newest summaries as JSON Feed 1.1."""
    body = json_feed(feed, base_url=request.app.state.settings.base_url)
    return _answer(body, JSON_FEED, if_none_match)


def _answer(body: bytes, media_type: str, if_none_match: str | None) -> Response:
    """No Last-Modified: the newest of the entries that remain was changed before one that was deleted."""
    etag = strong_etag(hashlib.sha256(body).hexdigest()[:32])
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "X-Robots-Tag": "noindex, nofollow",
    }
    if matches_if_none_match(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
