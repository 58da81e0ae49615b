"""The base of every request and response body, and the shape of a list."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    Strict,
    model_validator,
)
from pydantic_core import PydanticCustomError

# PostgreSQL's text cannot hold U+0000, nor UTF-8 half a surrogate pair: each would be a 500 in the driver,
# and pydantic lets both through.
NUL = "\x00"
# Two orders of magnitude above a hundred items with all their fields.
MAX_VALUES = 10_000
_NUMBER = re.compile(r"\s*[-+]?[\d._]+(e[-+]?\d+)?\s*", re.IGNORECASE)
_UNSTORABLE = re.compile(f"[{NUL}\ud800-\udfff]")

Item = TypeVar("Item")


def _strings(value: Any) -> Iterator[str]:  # Any: undecoded JSON
    """Every string in it, keys too. A stack instead of recursion: nesting comes from outside.

    Raises PydanticCustomError for more values than anything takes: millions of them fit into one body, and to
    look at each, or to name the fault of each, would keep everybody else waiting.
    """
    pending, left = [value], MAX_VALUES
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict | list | tuple | set | frozenset):
            left -= len(item)
            if left < 0:
                raise PydanticCustomError(
                    "too_many_values", "At most {most} values are allowed in a body", {"most": MAX_VALUES}
                )
            pending += [*item.keys(), *item.values()] if isinstance(item, dict) else item


class RequestModel(BaseModel):
    """What comes in: unknown fields (a typo is never silent) and unstorable strings are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unstorable(cls, data: Any) -> Any:  # Any: undecoded JSON
        if any(_UNSTORABLE.search(text) for text in _strings(data)):
            raise PydanticCustomError(
                "forbidden_character", "U+0000 and unpaired surrogates are not allowed in a string"
            )
        return data


def _drop_defaults(schema: dict[str, Any]) -> None:  # Any: JSON Schema
    for member in schema["properties"].values():
        member.pop("default", None)


class ChangeModel(RequestModel):
    """A field left out stays as it is, so clients must not be shown, and fill in, a default."""

    model_config = ConfigDict(json_schema_extra=_drop_defaults)


def to_rfc3339(moment: datetime) -> str:
    """UTC with a Z and microseconds; a naive time is taken for UTC, as everything we store is."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # Before the year 1 or after 9999: the driver would fail on it.
        raise PydanticCustomError("out_of_range", "This time is out of range") from None


def _refuse_number(value: Any) -> Any:  # Any: undecoded
    """Pydantic would take a number, and 2030 in a query too, for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise PydanticCustomError("not_rfc3339", "Times are RFC 3339, such as 2030-01-31T12:00:00Z")
    return value


# A time that comes in.
Moment = Annotated[AwareDatetime, BeforeValidator(_refuse_number), AfterValidator(_in_utc)]
# As JSON has them: "no" is no boolean in a body, and true no number. Forms and queries have only text.
JsonBool = Annotated[bool, Strict()]
JsonInt = Annotated[int, Strict()]
# Every time in an answer: whatever zone the driver returned, clients see UTC.
UtcDatetime = Annotated[datetime, PlainSerializer(to_rfc3339, when_used="json")]


class ResponseModel(BaseModel):
    """What goes out; built from a row or from keywords. Times are `UtcDatetime`."""

    model_config = ConfigDict(from_attributes=True)


class Page(ResponseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None
    has_more: bool
