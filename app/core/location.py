"""Where a thing that was made is found (RFC 9110, section 10.2.2)."""

from typing import Any
from uuid import UUID

from fastapi import Request

from app.core.openapi_headers import LOCATION

# Of a route that answers 201 with `location_of`.
MADE: dict[int | str, dict[str, Any]] = {201: {"headers": LOCATION}}  # Any: OpenAPI JSON


def location_of(request: Request, made: UUID, *, collection: str | None = None) -> str:
    """Absolute, on `PUBLIC_URL`. `collection` is the path of the list, by default the request's own."""
    base_url: str = request.app.state.settings.base_url
    path = request.url.path if collection is None else collection
    return f"{base_url}{path.rstrip('/')}/{made}"
