"""What a database holds, in a form that two databases can be compared by."""

from dataclasses import dataclass
from typing import Any

import psycopg

from app.operations.queries import TABLES, table_digest


@dataclass(frozen=True, slots=True)
class TableContents:
    """`digest`: the sum of its rows' hashes, whatever their order."""

    rows: int
    digest: str


Contents = dict[str, TableContents]


def read_contents(connection: psycopg.Connection[Any]) -> Contents:  # Any: columns
    """Of every table; a role that does not see all rows is refused by the server."""
    connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET row_security = off")
    tables = [name for (name,) in connection.execute(TABLES)]
    return {name: TableContents(*connection.execute(table_digest(name)).fetchall()[0]) for name in tables}


def differences(expected: Contents, found: Contents) -> list[str]:
    """One line per table that is not the same; none where they are equal."""
    lines = []
    for table in sorted(expected.keys() | found.keys()):
        was, now = expected.get(table), found.get(table)
        if was != now:
            lines.append(f"{table}: {_told(was)} expected, {_told(now)} found")
    return lines


def _told(contents: TableContents | None) -> str:
    return "no table" if contents is None else f"{contents.rows} rows ({contents.digest[-8:]})"
