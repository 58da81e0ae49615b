"""What narrows and orders a list, from its query parameters and from `q`, as one."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from app.core.composed import COMPOSED
from app.core.pagination import Keyset
from app.core.schemas import NUL, Moment
from app.summaries.filters import Filters
from app.summaries.repository import NEWEST_FIRST, OLDEST_FIRST
from app.summaries.search.found import MOST_RELEVANT
from app.summaries.search.query import MAX_QUERY_LENGTH, ParsedQuery, label_of, parse_query, query_fault
from app.summaries.vocabulary import Status, Visibility

DESCRIPTION = (
    'Words, "phrases" and -negation, as the language of each summary has them, and `tag:` `status:` `site:` '
    "`lang:` `before:` `after:` `is:favourite` `is:archived` `is:shared`. All must hold."
)
BY_TIME: Mapping[str, Keyset] = {"-created_at": NEWEST_FIRST, "created_at": OLDEST_FIRST}
RELEVANCE = "relevance"
# Counting what matches reads each of them, hence the bound.
MAX_COUNTED = 10_000
MAX_TAG_LENGTH, MAX_SITE_LENGTH = 50, 253
ARCHIVED: Mapping[str, bool | None] = {"true": True, "false": False, "any": None}


def _without_nul(text: str) -> str:
    if NUL in text:
        raise PydanticCustomError("nul_character", "U+0000 is not allowed in a string")
    return text


async def get_query(
    q: Annotated[
        str,
        COMPOSED,
        AfterValidator(_without_nul),
        Query(max_length=MAX_QUERY_LENGTH, description=DESCRIPTION, examples=['"old bridge" -ferry']),
    ]
    | None = None,
) -> ParsedQuery:
    return parse_query(q or "")


async def get_chosen(
    status: Status | None = None,
    visibility: Visibility | None = None,
    favourite: bool | None = None,  # noqa: FBT001  # a query parameter
    archived: Annotated[
        Literal["true", "false", "any"] | None, Query(description="Left out: false, unless q says.")
    ] = None,
    created_after: Annotated[Moment | None, Query(description="At or after this time.")] = None,
    created_before: Annotated[Moment | None, Query(description="Before this time.")] = None,
) -> dict[str, object]:
    """The filters that are given, each of one value."""
    given: dict[str, object] = {
        "status": status,
        "visibility": visibility,
        "favourite": favourite,
        "created_after": created_after,
        "created_before": created_before,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return chosen | ({} if archived is None else {"archived": ARCHIVED[archived]})


async def get_filters(
    query: Annotated[ParsedQuery, Depends(get_query)],
    chosen: Annotated[dict[str, object], Depends(get_chosen)],
    tag: Annotated[
        str, COMPOSED, AfterValidator(_without_nul), Query(min_length=1, max_length=MAX_TAG_LENGTH)
    ]
    | None = None,
    site: Annotated[
        str, Query(min_length=1, max_length=MAX_SITE_LENGTH, description="A host, and those below it.")
    ]
    | None = None,
) -> Filters:
    """Raises ValidationFailedError, also where a parameter and `q` contradict each other."""
    return filters_of(query, chosen, tag=tag, site=site)


def filters_of(
    query: ParsedQuery, chosen: Mapping[str, object], *, tag: str | None, site: str | None
) -> Filters:
    """Of parameters that are valid each by itself. Raises ValidationFailedError."""
    for name in chosen.keys() & query.chosen.keys():
        if chosen[name] != query.chosen[name]:
            raise query_fault("given_twice", f"{name} is another in q.", pointer=f"#/query/{name}")
    named = [("tag", tag), ("site", site)]
    labels = [label_of(kind, value, pointer=f"#/query/{kind}") for kind, value in named if value is not None]
    return Filters(
        **{**query.chosen, **chosen},  # type: ignore[arg-type]  # each is of the field of its name
        terms=tuple(query.terms),
        without=tuple(query.without),
        labels=(*query.labels, *labels),
        without_labels=tuple(query.without_labels),
    )


async def get_order(sort: Literal["-created_at", "created_at"] = "-created_at") -> Keyset:
    return BY_TIME[sort]


async def get_list_order(
    query: Annotated[ParsedQuery, Depends(get_query)],
    sort: Annotated[
        Literal["-created_at", "created_at", "relevance"],
        Query(description="By relevance the newest 500 that q finds, the best first."),
    ] = "-created_at",
) -> Keyset:
    return order_of(query, sort)


def order_of(query: ParsedQuery, sort: str) -> Keyset:
    """Raises ValidationFailedError."""
    if sort != RELEVANCE:
        return BY_TIME[sort]
    if not query.terms:
        raise query_fault("no_words", "Relevance is to words in q, and it has none.", pointer="#/query/sort")
    return MOST_RELEVANT


AtMost = Annotated[
    int | None,
    Query(
        ge=1,
        le=MAX_COUNTED,
        description="How far to count: answered with this number there are as many, or more.",
    ),
]
FiltersDep = Annotated[Filters, Depends(get_filters)]
Order = Annotated[Keyset, Depends(get_order)]
ListOrder = Annotated[Keyset, Depends(get_list_order)]
