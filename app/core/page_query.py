"""The query parameters of every list, `limit` and `cursor`."""

from typing import Annotated

from fastapi import Depends, Query

from app.core.pagination import DEFAULT_LIMIT, MAX_CURSOR_CHARACTERS, MAX_LIMIT, PageRequest


async def page_request(
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has.")
    ] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before."),
    ] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


PageQuery = Annotated[PageRequest, Depends(page_request)]
