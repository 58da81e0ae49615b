"""Keyset pagination: a page starts behind the last row of the page before.

So page 1000 costs what page 1 costs, and rows that come or go meanwhile make none skipped or repeated.
A cursor is opaque and signed: nobody can craft a position, or carry one to another list, filter or tenant.
"""

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.core.derived_keys import derive_key
from app.core.errors import ProblemError

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_CURSOR_CHARACTERS = 1024

KeyValue = datetime | UUID | int | str

_SHAPE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAC_BYTES = 16
# Made once: `json.dumps` makes one of these for each call.
_PAYLOAD = json.JSONEncoder(separators=(",", ":"))
_SCOPE = json.JSONEncoder(sort_keys=True, default=str)
_Query = TypeVar("_Query", bound=Select[*tuple[Any, ...]])  # Any: whatever the statement selects
_Row = TypeVar("_Row")


class InvalidCursorError(ProblemError):
    code = "invalid_cursor"
    status = 422
    title = "The cursor is not valid here"
    meaning = "The cursor was changed, or belongs to another list, sort order or filter."
    hint = "Send next_cursor of the page before unchanged, with the same filters; or none, to start anew."


class CursorCodec:
    """Sign positions. `scope` says which list they belong to; a cursor is readable in its own scope only."""

    def __init__(self, secret_key: str) -> None:
        # Copied for each: `hmac.digest` looks its hash up anew, for four times as long.
        self._mac = hmac.new(derive_key(secret_key, purpose="pagination cursor"), digestmod="sha256")

    def encode(self, position: Sequence[KeyValue], *, scope: str) -> str:
        payload = _PAYLOAD.encode([_tagged(value) for value in position])
        return self._sign(payload.encode(), scope)

    def decode(self, cursor: str, *, scope: str) -> tuple[KeyValue, ...]:
        """Raise InvalidCursorError unless we encoded exactly this, for this scope."""
        if len(cursor) > MAX_CURSOR_CHARACTERS or not _SHAPE.fullmatch(cursor) or len(cursor) % 4 == 1:
            raise InvalidCursorError(internal="cursor refused: shape")
        payload = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[_MAC_BYTES:]
        if not hmac.compare_digest(cursor, self._sign(payload, scope)):
            raise InvalidCursorError(internal="cursor refused: MAC")
        return tuple(_untagged(kind, value) for kind, value in json.loads(payload))

    def _sign(self, payload: bytes, scope: str) -> str:
        message = len(scope.encode()).to_bytes(4, "big") + scope.encode() + payload
        mac = self._mac.copy()
        mac.update(message)
        return urlsafe_b64encode(mac.digest()[:_MAC_BYTES] + payload).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Keyset:
    """A total order: columns that are never NULL, all in one direction, the last of them unique.

    A row-value comparison, `(created_at, id) < (…)`, is one index range; mixed directions would not be.
    """

    name: str
    columns: tuple[InstrumentedAttribute[Any], ...]  # Any: columns of several types
    descending: bool = True

    def __post_init__(self) -> None:
        nullable = [column.key for column in self.columns if column.nullable]
        if nullable:
            raise TypeError(f"rows where {nullable} is NULL would be on no page")

    def order(self) -> list[ColumnElement[Any]]:  # Any: as columns
        return [column.desc() if self.descending else column.asc() for column in self.columns]

    def behind(self, position: Sequence[KeyValue]) -> ColumnElement[bool]:
        pairs = zip(self.columns, position, strict=True)
        return self._behind(literal(value, column.type) for column, value in pairs)

    def behind_told(self) -> ColumnElement[bool]:
        """For a statement that is built once, and given `told` each time."""
        return self._behind(bindparam(f"behind_{column.key}", type_=column.type) for column in self.columns)

    def told(self, position: Sequence[KeyValue]) -> dict[str, KeyValue]:
        """Nothing for the first page, which is behind nothing."""
        return {f"behind_{column.key}": value for column, value in zip(self.columns, position, strict=False)}

    def _behind(self, position: Iterable[ColumnElement[Any]]) -> ColumnElement[bool]:  # Any: as columns
        here, there = tuple_(*self.columns), tuple_(*position)
        return here < there if self.descending else here > there

    def position(self, row: object) -> tuple[KeyValue, ...]:
        return tuple(attrgetter(column.key)(row) for column in self.columns)

    def signature(self) -> str:
        direction = "desc" if self.descending else "asc"
        return f"{self.name} {direction} {','.join(column.key for column in self.columns)}"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the client asked for. `limit` is 1 to 100 (core/page_query.py sees to it)."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageOfRows(Generic[_Row]):
    """What `core.schemas.Page` is rendered from."""

    items: list[_Row]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        return self.next_cursor is not None


@dataclass(frozen=True, slots=True)
class Pagination:
    """One list request. `filters` are all that narrow the list, the tenant's id among them."""

    codec: CursorCodec
    keyset: Keyset
    request: PageRequest
    filters: Mapping[str, object] = field(default_factory=dict)

    def apply(self, statement: _Query) -> _Query:
        """Order the statement and fetch one row more than the page has. Raise InvalidCursorError."""
        query = statement.order_by(*self.keyset.order()).limit(self.request.limit + 1)
        position = self.position()
        return query if position is None else query.where(self.keyset.behind(position))

    def position(self) -> tuple[KeyValue, ...] | None:
        """Behind which the page begins; None for the first. Raise InvalidCursorError."""
        if self.request.cursor is None:
            return None
        return self.codec.decode(self.request.cursor, scope=self._scope())

    def page(self, rows: Sequence[_Row]) -> PageOfRows[_Row]:
        """Cut the extra row off; that it was there is how we know of a next page without counting."""
        items = list(rows[: self.request.limit])
        if len(rows) <= self.request.limit:
            return PageOfRows(items, None)
        position = self.keyset.position(items[-1])
        return PageOfRows(items, self.codec.encode(position, scope=self._scope()))

    def _scope(self) -> str:
        return _SCOPE.encode([self.keyset.signature(), dict(self.filters)])


def _tagged(value: KeyValue) -> tuple[str, str | int]:
    match value:
        case datetime():
            return "t", value.isoformat()
        case UUID():
            return "u", value.hex
        case _:
            return "v", value


def _untagged(kind: str, value: Any) -> KeyValue:  # Any: JSON that we signed
    match kind:
        case "t":
            return datetime.fromisoformat(value)
        case "u":
            return UUID(value)
        case _:
            key_value: KeyValue = value
            return key_value
