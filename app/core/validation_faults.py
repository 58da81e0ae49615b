"""FastAPI's validation errors as our field faults: where, which rule, why; never what was sent."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData

from app.core.errors import FieldFault

# A body of a megabyte can break a rule in every byte.
MAX_FAULTS = 50
MAX_POINTER_LENGTH = 200


def to_faults(error: RequestValidationError) -> list[FieldFault]:
    return [_to_fault(item, error.body) for item in error.errors()[:MAX_FAULTS]]


def faults_of(error: ValidationError, sent: object) -> list[FieldFault]:
    """Of a model that was validated apart; the pointers lead through what was sent for it."""
    errors = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
    return to_faults(RequestValidationError(errors, body=sent))


def _to_fault(item: dict[str, Any], body: Any) -> FieldFault:  # Any: pydantic's error dict, undecoded JSON
    """A pointer is RFC 6901 into the body; `#/query/name`, `#/path/id`, `#/header/name` for the rest."""
    detail = str(item["msg"]).removeprefix("Value error, ")
    location = item["loc"]
    if location[:1] == ("body",):
        sent = dict(body) if isinstance(body, FormData) else body
        missing = location[-1:] if item["type"] == "missing" and len(location) > 1 else ()
        pointer = _join([*_present(location[1:], sent), *missing])
    else:
        pointer = "#" + _join(location)
    return FieldFault(pointer=pointer[:MAX_POINTER_LENGTH], code=str(item["type"]), detail=detail)


def _present(parts: Sequence[str | int], body: Any) -> Iterator[str | int]:  # Any: undecoded JSON
    """The parts that lead through the body: pydantic also names union members, which no client ever sent."""
    current = body
    for part in parts:
        in_object = isinstance(current, dict) and part in current
        in_list = isinstance(current, list) and isinstance(part, int) and part < len(current)
        if in_object or in_list:
            current = current[part]
            yield part


def _join(parts: Sequence[str | int]) -> str:
    """RFC 6901: each token after a slash, `~` and `/` in it escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
