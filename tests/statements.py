"""What PostgreSQL is asked, as the app's pool sends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import event

# What wakes workers: once, soon after a submission's own transaction.
WAKE = "pg_notify("


@asynccontextmanager
async def statements_of(app: FastAPI) -> AsyncIterator[list[str]]:
    """Every statement of this while, whoever's it is; what it leaves to be told is told within it."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # Any: SQLAlchemy's event
        sent.append(statement)

    engine = app.state.database.engine.sync_engine
    await app.state.job_waker.told()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
        await app.state.job_waker.told()
    finally:
        event.remove(engine, "before_cursor_execute", note)
