"""A list's query string, read at a glance where all that it chooses has a few values, spelled as we do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.page_query import plain_page_request
from app.core.pagination import Keyset, PageRequest
from app.summaries.filters import Filters
from app.summaries.repository import NEWEST_FIRST
from app.summaries.search.parameters import ARCHIVED, BY_TIME
from app.summaries.vocabulary import Status, Visibility


@dataclass(frozen=True, slots=True)
class PlainList:
    filters: Filters
    order: Keyset
    page: PageRequest


_BOOLEANS = {"true": True, "false": False}
_CHOICES: Mapping[str, Mapping[str, object]] = {
    "status": {str(status): status for status in Status},
    "visibility": {str(visibility): visibility for visibility in Visibility},
    "favourite": _BOOLEANS,
    "archived": ARCHIVED,
    "sort": BY_TIME,
}
_SPELLED = {
    f"{name}={spelling}": (name, value)
    for name, values in _CHOICES.items()
    for spelling, value in values.items()
}


def plain_list(query: bytes) -> PlainList | None:
    """As the route's own parameters read it; None for whatever they may read otherwise, or refuse."""
    chosen: dict[str, Any] = {}  # Any: of the filter of that name
    others: list[str] = []
    for pair in query.decode("latin-1").split("&"):
        name, value = _SPELLED.get(pair, ("", None))
        if not name:
            others.append(pair)
        elif name in chosen:
            return None
        else:
            chosen[name] = value
    page = plain_page_request("&".join(others).encode("latin-1"))
    order = chosen.pop("sort", NEWEST_FIRST)
    return PlainList(Filters(**chosen), order, page) if page else None
