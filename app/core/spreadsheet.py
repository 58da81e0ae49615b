"""CSV that a spreadsheet opens without running what is in it (OWASP, CSV injection)."""

import csv
import io
from collections.abc import Iterable, Sequence

# The full-width forms are formulas to some of them, too.
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BREAKS = {"\t", "\r", "\n"}


def harmless(value: object) -> str:
    """As text; with an apostrophe before what would begin a formula, white space before it or not."""
    text = "" if value is None else str(value)
    # Most cells begin so, and there are many.
    if text[:1].isalnum():
        return text
    is_formula = text[:1] in BREAKS or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if is_formula else text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Each cell harmless and in quotes, so that none ends early or joins its neighbour; lines end in CRLF."""
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([harmless(value) for value in row] for row in rows)
    return lines.getvalue()
