"""The query parameters of every list, `limit` and `cursor`."""

import re
from typing import Annotated

from fastapi import Depends, Query

from app.core.pagination import DEFAULT_LIMIT, MAX_CURSOR_CHARACTERS, MAX_LIMIT, PageRequest

_CURSOR = rb"cursor=([A-Za-z0-9_-]{1,%d})" % MAX_CURSOR_CHARACTERS
_PLAIN = re.compile(rb"(?:limit=([1-9][0-9]{0,2})(?:&%b)?|%b)?" % (_CURSOR, _CURSOR))


def plain_page_request(query: bytes) -> PageRequest | None:
    """Where these two are all that is asked, each in its plainest spelling; None for anything else."""
    found = _PLAIN.fullmatch(query)
    if found is None:
        return None
    limit, cursor = int(found[1] or DEFAULT_LIMIT), found[2] or found[3]
    return PageRequest(limit, cursor.decode() if cursor else None) if limit <= MAX_LIMIT else None


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
