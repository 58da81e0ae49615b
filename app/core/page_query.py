"""The query parameters of every list, `limit` and `cursor`; those of other styles are refused with a hint."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.core.errors import FieldFault, ValidationFailedError
from app.core.pagination import DEFAULT_LIMIT, MAX_CURSOR_CHARACTERS, MAX_LIMIT, PageRequest

# Ignored in silence they would give the first page for ever.
_REFUSED = ("skip", "offset", "page")


def page_request(
    request: Request,
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has.")
    ] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before."),
    ] = None,
) -> PageRequest:
    """Raise ValidationFailedError for a parameter of another style of pagination."""
    faults = [
        FieldFault(f"#/query/{name}", "unsupported_parameter", f"{name} is not supported; send cursor.")
        for name in _REFUSED
        if name in request.query_params
    ]
    if faults:
        raise ValidationFailedError(
            hint="Lists have no page numbers: send next_cursor of the page before as cursor.", faults=faults
        )
    return PageRequest(limit=limit, cursor=cursor)


PageQuery = Annotated[PageRequest, Depends(page_request)]
