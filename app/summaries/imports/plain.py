"""Lists as text: a URL a line, or CSV with a column `url`."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from app.summaries.imports.links import Link, MalformedListError

COMMENT = "#"
DELIMITERS = (",", ";", "\t")
# Exports of others separate tags by any of these.
TAG_BREAK = re.compile(r"[,;|]")
COLUMNS = ("url", "title", "tags", "notes")


def read_lines(text: str) -> Iterator[Link]:
    """Blank lines, and those that begin with #, are for the reader."""
    for number, line in enumerate(StringIO(text), 1):
        url = line.strip()
        if url and not url.startswith(COMMENT):
            yield Link(number, url)


def delimiter_of(text: str) -> str | None:
    """None where the first line names no column `url`."""
    head = text.lstrip().partition("\n")[0]
    return next((each for each in DELIMITERS if "url" in _names(head.split(each))), None)


def read_csv(text: str, delimiter: str) -> Iterator[Link]:
    """Unknown columns are passed over. Raises MalformedListError."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: Sequence[str] | None = None
    last_line = 0
    try:
        for row in reader:
            line, last_line = last_line + 1, reader.line_num
            if columns is None:
                columns = _names(row) if any(row) else None
            elif any(cell.strip() for cell in row):
                yield _link(line, dict(zip(columns, row, strict=False)))
    except csv.Error as error:
        raise MalformedListError("csv_malformed", f"Line {reader.line_num}: {error}") from error


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().strip('"').strip().lower() for cell in cells]


def _link(line: int, row: Mapping[str, str]) -> Link:
    url, title, tags, notes = (row.get(name, "").strip() for name in COLUMNS)
    words = tuple(tag.strip() for tag in TAG_BREAK.split(tags) if tag.strip())
    return Link(line, url, title or None, words, notes or None)
