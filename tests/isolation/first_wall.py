"""The first wall switched off: on its way to PostgreSQL every statement loses its tenant filters."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import event

COLUMN = r"(?:\w+\.)?organization_id\b|\borganizations(?:_\d+)?\.id\b"
VALUE = r"\$\d+(?:::\w+)?"
FILTER = re.compile(rf"((?:{COLUMN})\s*(?:=\s*{VALUE}|IN\s*\([^()]*\)|=\s*ANY\s*\([^()]*\)))", re.IGNORECASE)
SWITCHED_OFF = re.compile(rf"\({FILTER.pattern} OR TRUE\)", re.IGNORECASE)
# What compares a tenant with anything but another row's column is a filter.
COMPARED = re.compile(
    rf"(?:{COLUMN})\s*(?:=|<>|!=|<|>|\bIN\b|\bIS\b|\bLIKE\b)(?!\s*\w+\.\w+)|{VALUE}\s*=\s*(?:{COLUMN})",
    re.IGNORECASE,
)
ANNOUNCEMENT = "set_config('app.organization_id'"
# Their first two parameters are the same announcement.
SUBMISSIONS = ("submit_summary(", "accept_summaries(")


def without_filters(statement: str) -> str:
    """`organization_id = $1` becomes `(organization_id = $1 OR TRUE)`: parameters stay in their places."""
    if ANNOUNCEMENT in statement or statement.lstrip().upper().startswith("INSERT"):
        return statement
    return FILTER.sub(r"(\1 OR TRUE)", statement)


def filters_left(statement: str) -> list[str]:
    """What still compares a tenant with a value of the application's."""
    if ANNOUNCEMENT in statement or statement.lstrip().upper().startswith("INSERT"):
        return []
    return COMPARED.findall(SWITCHED_OFF.sub("", statement))


@contextmanager
def rewritten(app: FastAPI, rewrite: Any) -> Iterator[list[str]]:  # Any: SQLAlchemy's own signature
    """`rewrite(statement, parameters)` answers with both; what it made of each statement is collected."""
    sent: list[str] = []

    def change(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> Any:
        statement, parameters = rewrite(statement, parameters)
        sent.append(statement)
        return statement, parameters

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", change, retval=True)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", change)


def filters_off(app: FastAPI) -> Any:  # Any: a context manager
    return rewritten(app, lambda statement, parameters: (without_filters(statement), parameters))


def tenant_told(app: FastAPI, swap: Mapping[UUID, UUID]) -> Any:  # Any: as above
    """PostgreSQL is told of other ids than those that the app names."""
    spoken = {str(named): str(told) for named, told in swap.items()}

    def change(statement: str, parameters: Any) -> Any:  # Any: SQLAlchemy's own
        if any(said in statement for said in (ANNOUNCEMENT, *SUBMISSIONS)):
            parameters = tuple(swapped(value) for value in parameters)
        return statement, parameters

    def swapped(value: Any) -> Any:  # Any: a parameter, or several's
        if isinstance(value, list):
            return [swapped(each) for each in value]
        return spoken.get(value, value)

    return rewritten(app, change)
