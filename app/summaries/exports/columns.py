"""What PostgreSQL makes of a summary's row, one set of columns a kind of format.

For NDJSON and JSON it writes the document, for CSV the cells: no row becomes an object on its way out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import SQLColumnExpression, Text, case, cast, func, literal, literal_column
from sqlalchemy.dialects.postgresql import array

from app.reading.errors import ADVICE
from app.summaries.exports.vocabulary import JOINERS, PARTS, PLAIN_FIELDS
from app.summaries.models import Summary
from app.summaries.schemas import SummaryView
from app.summaries.vocabulary import Style

MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
Column = SQLColumnExpression[Any]  # Any: of several types
Columns = Mapping[str, Column]


def _moment(column: Column) -> Column:
    """As `to_rfc3339` writes it: whole seconds have no fraction."""
    return func.replace(func.to_char(func.timezone("UTC", column), literal(MOMENT)), ".000000Z", "Z")


def _object(members: Mapping[str, Column]) -> Column:
    """The names are our own."""
    pairs: Iterator[tuple[Column, Column]] = (
        (literal_column(f"'{name}'"), column) for name, column in members.items()
    )
    return func.json_build_object(*(part for pair in pairs for part in pair))


def _failure() -> Column:
    hints = {str(reason): literal(advice.hint, Text()) for reason, advice in ADVICE.items()}
    retryable = {str(reason): literal(advice.retryable) for reason, advice in ADVICE.items()}
    reason = Summary.failure_reason
    members = {
        "reason": reason,
        "hint": case(hints, value=reason),
        "retryable": func.coalesce(Summary.failure_retryable, case(retryable, value=reason)),
    }
    return case((reason.is_not(None), _object(members)))


def _column(name: str) -> Column:
    special: dict[str, Column] = {
        "published_at": _moment(Summary.published_at),
        "created_at": _moment(Summary.created_at),
        "updated_at": _moment(Summary.updated_at),
        "refreshed_at": _moment(Summary.refreshed_at),
        "style": func.coalesce(Summary.options.op("->>")("style"), literal(str(Style.PARAGRAPH), Text())),
        "archived": Summary.archived_at.is_not(None),
        "failure": _failure(),
    }
    return special[name] if name in special else getattr(Summary, name)


def _cell(name: str) -> Column:
    column = _column(name)
    return func.array_to_string(column, JOINERS[name]) if name in JOINERS else cast(column, Text())


# `document`: JSON as GET /summaries/{id} shows it, its members in the same order.
DOCUMENT: Columns = {
    "document": cast(_object({name: _column(name) for name in SummaryView.model_fields}), Text())
}
# `cells`: a list of text or None.
CELLS: Columns = {"cells": array([_cell(name) for name in PLAIN_FIELDS])}
ROW: Columns = {name: _column(name) for name in PARTS}
