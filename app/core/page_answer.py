"""A page of rows as an answer: `Link` names the next one (RFC 8288)."""

from typing import Any, TypeVar

from fastapi import Request, Response

from app.core.http import link_header, with_query
from app.core.pagination import PageOfRows
from app.core.schemas import Page, ResponseModel

Model = TypeVar("Model", bound=ResponseModel)


def link_next(next_cursor: str | None, request: Request, response: Response) -> None:
    """Absolute, on `PUBLIC_URL`."""
    if next_cursor is not None:
        base_url: str = request.app.state.settings.base_url
        here = f"{base_url}{request.url.path}?{request.url.query}"
        response.headers["Link"] = link_header({"next": with_query(here, cursor=next_cursor)})


def page_of(
    model: type[Model],
    rows: PageOfRows[Any],  # Any: whatever has the model's fields as attributes
    request: Request,
    response: Response,
) -> Page[Model]:
    link_next(rows.next_cursor, request, response)
    items = [model.model_validate(row) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor, has_more=rows.has_more)
