"""What PostgreSQL is asked, as the app's pool sends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import event


@contextmanager
def statements_of(app: FastAPI) -> Iterator[list[str]]:
    """Every statement of this while, whoever's it is; but none that wakes workers: it comes when it likes."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # Any: SQLAlchemy's event
        if "pg_notify" not in statement:
            sent.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
