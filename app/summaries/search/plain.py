"""A list's query string, read at a glance where all that it chooses is spelled as we would spell it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from app.core.composed import composed
from app.core.errors import ValidationFailedError
from app.core.page_query import plain_page_request
from app.core.pagination import Keyset, PageRequest
from app.core.schemas import NUL
from app.summaries.filters import Filters
from app.summaries.repository import NEWEST_FIRST
from app.summaries.search.parameters import (
    ARCHIVED,
    BY_TIME,
    MAX_COUNTED,
    MAX_SITE_LENGTH,
    MAX_TAG_LENGTH,
    RELEVANCE,
    filters_of,
    order_of,
)
from app.summaries.search.query import MAX_QUERY_LENGTH, parse_query
from app.summaries.vocabulary import Status, Visibility


@dataclass(frozen=True, slots=True)
class PlainList:
    filters: Filters
    order: Keyset
    page: PageRequest


@dataclass(frozen=True, slots=True)
class PlainCount:
    filters: Filters
    at_most: int | None


class Chosen(NamedTuple):
    """`order`: None where none is asked for. `others`: what is spelled like none of these."""

    filters: Filters
    order: Keyset | None
    others: str


_BOOLEANS = {"true": True, "false": False}
_CHOICES: Mapping[str, Mapping[str, object]] = {
    "status": {str(status): status for status in Status},
    "visibility": {str(visibility): visibility for visibility in Visibility},
    "favourite": _BOOLEANS,
    "archived": ARCHIVED,
    "sort": {order: order for order in (*BY_TIME, RELEVANCE)},
}
_SPELLED = {
    f"{name}={spelling}": (name, value)
    for name, values in _CHOICES.items()
    for spelling, value in values.items()
}
_LONGEST = {"q": MAX_QUERY_LENGTH, "tag": MAX_TAG_LENGTH, "site": MAX_SITE_LENGTH}
_TEXT = re.compile(rf"({'|'.join(_LONGEST)})=(.+)")
_AT_MOST = re.compile(r"(?:at_most=([1-9][0-9]{0,4}))?")


def plain_list(query: bytes) -> PlainList | None:
    """As the route's own parameters read it; None for whatever they may read otherwise, or refuse."""
    chosen = _chosen(query)
    page = plain_page_request(chosen.others.encode("latin-1")) if chosen else None
    return PlainList(chosen.filters, chosen.order or NEWEST_FIRST, page) if chosen and page else None


def plain_count(query: bytes) -> PlainCount | None:
    """What is counted, as `plain_list`; it has no order and no pages."""
    chosen = _chosen(query)
    found = _AT_MOST.fullmatch(chosen.others) if chosen and not chosen.order else None
    if chosen is None or found is None:
        return None
    at_most = int(found[1]) if found[1] else None
    return PlainCount(chosen.filters, at_most) if (at_most or 1) <= MAX_COUNTED else None


def _chosen(query: bytes) -> Chosen | None:
    chosen: dict[str, Any] = {}  # Any: of the filter of that name
    others: list[str] = []
    for pair in query.decode("latin-1").split("&"):
        name, value = _SPELLED.get(pair) or _text(pair)
        if not name:
            others.append(pair)
        elif name in chosen:
            return None
        else:
            chosen[name] = value
    words, tag, site, sort = (chosen.pop(name, None) for name in ("q", "tag", "site", "sort"))
    try:
        parsed = parse_query(words or "")
        filters = filters_of(parsed, chosen, tag=tag, site=site)
        return Chosen(filters, order_of(parsed, sort) if sort else None, "&".join(others))
    except ValidationFailedError:
        return None


def _text(pair: str) -> tuple[str, str | None]:
    """No name where it is none of these, or is not to be read without the route."""
    found = _TEXT.fullmatch(pair)
    if found is None:
        return "", None
    try:
        text = unquote_plus(found[2], errors="strict")
    except UnicodeDecodeError:
        return "", None
    if found[1] != "site":
        text = composed(text)
    return (found[1], text) if NUL not in text and len(text) <= _LONGEST[found[1]] else ("", None)
