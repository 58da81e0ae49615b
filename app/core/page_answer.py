"""A page of rows as an answer: `Link` names the next one (RFC 8288)."""

from typing import Any, TypeVar

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from app.core.http import link_header, with_query
from app.core.pagination import PageOfRows
from app.core.schemas import Page, ResponseModel

Model = TypeVar("Model", bound=ResponseModel)


def link_next(next_cursor: str | None, connection: HTTPConnection, response: Response) -> None:
    """Absolute, on `PUBLIC_URL`."""
    if next_cursor is not None:
        base_url: str = connection.app.state.settings.base_url
        here = f"{base_url}{connection.scope['path']}?{connection.scope['query_string'].decode('latin-1')}"
        response.headers["Link"] = link_header({"next": with_query(here, cursor=next_cursor)})


def rendered_page(page: PageOfRows[bytes], connection: HTTPConnection) -> Response:
    """The answer that a `Page` of items would be, of items that are rendered already."""
    cursor = b"null" if page.next_cursor is None else b'"%b"' % page.next_cursor.encode()
    more = b"true" if page.has_more else b"false"
    body = b'{"items":[%b],"next_cursor":%b,"has_more":%b}' % (b",".join(page.items), cursor, more)
    response = Response(body, media_type="application/json")
    link_next(page.next_cursor, connection, response)
    return response


def page_of(
    model: type[Model],
    rows: PageOfRows[Any],  # Any: whatever has the model's fields as attributes
    *,
    request: Request,
    response: Response,
) -> Page[Model]:
    link_next(rows.next_cursor, request, response)
    items = [model.model_validate(row) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor, has_more=rows.has_more)
