"""Refuses query parameters that a route would not read: a typo widens no list in silence."""

from collections.abc import Callable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import unquote_plus
from weakref import WeakKeyDictionary

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from app.core.errors import FieldFault, ValidationFailedError

# Of other styles of pagination.
_PAGE_NUMBERS = frozenset({"skip", "offset", "page"})
# Whether a name may be repeated, by endpoint.
_KNOWN: WeakKeyDictionary[Callable[..., Any], dict[str, bool]] = WeakKeyDictionary()  # Any: any endpoint


async def refuse_unknown_query(request: Request) -> None:
    """A route's dependency. Raises ValidationFailedError, whose faults name each."""
    if not request.scope["query_string"]:
        return
    faults = [*_faults(request, _known(request.scope["route"])), *_unreadable(request.scope["query_string"])]
    if faults:
        raise ValidationFailedError(hint=_hint(request), faults=faults)


def _faults(request: Request, known: dict[str, bool]) -> Iterator[FieldFault]:
    for name in request.query_params:
        pointer = f"#/query/{name[:50]}"
        if name in _PAGE_NUMBERS:
            yield FieldFault(pointer, "unsupported_parameter", f"{name} is not supported; send cursor.")
        elif name not in known:
            yield FieldFault(pointer, "unknown_parameter", "There is no such parameter here.")
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            yield FieldFault(pointer, "repeated_parameter", "This parameter may be given once.")


def _unreadable(query: bytes) -> Iterator[FieldFault]:
    """Values that would be looked for with U+FFFD in them, and not found."""
    for pair in query.decode("latin-1").split("&") if b"%" in query else ():
        name, _, value = pair.partition("=")
        try:
            unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            pointer = f"#/query/{unquote_plus(name)[:50]}"
            yield FieldFault(pointer, "invalid_encoding", "What is percent-encoded must be UTF-8.")


def _hint(request: Request) -> str | None:
    if _PAGE_NUMBERS.isdisjoint(request.query_params):
        return None
    return "Lists have no page numbers: send next_cursor of the page before as cursor."


def _known(route: APIRoute) -> dict[str, bool]:
    known = _KNOWN.get(route.endpoint)
    if known is None:
        known = {
            field.alias: _is_list(field.field_info.annotation)
            for field in get_flat_params(route.dependant)
            if isinstance(field.field_info, params.Query)
        }
        _KNOWN[route.endpoint] = known
    return known


def _is_list(annotation: object) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return any(_is_list(member) for member in get_args(annotation))
    return get_origin(annotation) in (list, tuple, set, frozenset)
