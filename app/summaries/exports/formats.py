"""Batches of rows as text, one class a format. Nothing here waits or reads."""

import json
import re
from typing import Protocol

from sqlalchemy import RowMapping

from app.core.spreadsheet import csv_lines
from app.core.web_address import web_address
from app.summaries.bullets import points_of
from app.summaries.exports.columns import CELLS, DOCUMENT, ROW, Columns
from app.summaries.exports.repository import Rows
from app.summaries.exports.vocabulary import PLAIN_FIELDS, ExportFormat
from app.summaries.vocabulary import Status

# What Markdown or the HTML within it would read as its own; at a line's beginning also lists and headings.
_MARKUP = re.compile(r"([\\`*_\[\]<>&~|#])")
# Before a digit a backslash would be shown: of "1." the full stop is what makes it an item.
_LINE_MARKUP = re.compile(r"^(\s*(?:\d+(?=[.)]))?)([+=.)-])", re.MULTILINE)


class Format(Protocol):
    """`columns`: what it is made of. `before`: rows written so far."""

    columns: Columns

    def head(self) -> str: ...

    def rows(self, batch: Rows, *, before: int) -> str: ...

    def tail(self, *, count: int) -> str: ...


class Ndjson:
    """With `end_marker` a last line that no summary looks like says that nothing is missing."""

    columns = DOCUMENT

    def __init__(self, *, end_marker: bool) -> None:
        self._end_marker = end_marker

    def head(self) -> str:
        return ""

    def rows(self, batch: Rows, *, before: int) -> str:
        del before
        return "".join([f"{row.document}\n" for row in batch])

    def tail(self, *, count: int) -> str:
        return json.dumps({"end": True, "count": count}) + "\n" if self._end_marker else ""


class Json:
    """One array; it is complete where its bracket closes."""

    columns = DOCUMENT

    def head(self) -> str:
        return "["

    def rows(self, batch: Rows, *, before: int) -> str:
        lead = ",\n" if before and batch else "\n" if batch else ""
        return lead + ",\n".join([row.document for row in batch])

    def tail(self, *, count: int) -> str:
        del count
        return "\n]\n"


class Csv:
    """No byte order mark: what reads UTF-8 takes it for a part of the first column's name."""

    columns = CELLS

    def head(self) -> str:
        return csv_lines([PLAIN_FIELDS])

    def rows(self, batch: Rows, *, before: int) -> str:
        del before
        return csv_lines(row.cells for row in batch)

    def tail(self, *, count: int) -> str:
        del count
        return ""


class Markdown:
    columns = ROW

    def head(self) -> str:
        return "# Summaries\n"

    def rows(self, batch: Rows, *, before: int) -> str:
        del before
        return "".join([_section(row._mapping) for row in batch])  # noqa: SLF001  # SQLAlchemy's public name

    def tail(self, *, count: int) -> str:
        return f"\n---\n\n*End of the export: {count} {'summary' if count == 1 else 'summaries'}.*\n"


def _section(row: RowMapping) -> str:
    heading = f"\n## {_line(row['title'] or 'Untitled')}\n"
    facts = [f"- {name}: {value}" for name, value in _facts(row).items() if value]
    points = [f"- {_line(point)}" for point in row["key_points"]]
    parts = (facts, summary_lines(row["summary"] or ""), points, _notes(row["notes"]))
    return heading + "".join("\n" + "\n".join(part) + "\n" for part in parts if any(part))


def summary_lines(text: str) -> list[str]:
    """The mark is another than the neighbours': Markdown would make one list of them."""
    return [f"* {_line(point)}" for point in points_of(text)] or [escaped(text)]


def _facts(row: RowMapping) -> dict[str, str]:
    return {
        "Source": _link(row["url"] or ""),
        "Author": _line(row["author"] or ""),
        "Published": row["published_at"] or "",
        "Status": "" if row["status"] == Status.READY else row["status"],
        "Tags": ", ".join(map(_line, row["tags"])),
        "Created": row["created_at"],
        "Id": str(row["id"]),
    }


def _notes(notes: str | None) -> list[str]:
    return ["Notes:", "", escaped(notes)] if notes else []


def _link(url: str) -> str:
    """A link only where it leads to the web."""
    return f"<{url}>" if web_address(url) else _line(url)


def _line(text: str) -> str:
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """Words, and nothing else, to whatever renders Markdown."""
    return _LINE_MARKUP.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", text))


def format_of(wanted: ExportFormat, *, end_marker: bool) -> Format:
    match wanted:
        case ExportFormat.NDJSON:
            return Ndjson(end_marker=end_marker)
        case ExportFormat.JSON:
            return Json()
        case ExportFormat.CSV:
            return Csv()
        case ExportFormat.MD:
            return Markdown()
