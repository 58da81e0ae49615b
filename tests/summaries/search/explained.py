"""PostgreSQL's plans of what the app really asks, within functions too: auto_explain tells the client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from sqlalchemy import event

LOADED = (
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_nested_statements = on",
    # With the rows that each step met.
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
    "auto_explain.log_level = 'notice'",
)


async def explain_everything(superuser_url: str, *settings: str) -> None:
    """In this database, for every connection from now on; with what else is to be set for them."""
    connection = await asyncpg.connect(superuser_url)
    try:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        for setting in (*LOADED, *settings):
            await connection.execute(f"ALTER DATABASE {name} SET {setting}")
    finally:
        await connection.close()


@contextmanager
def plans_of(app: FastAPI) -> Iterator[list[str]]:
    """Of the connections that the app's pool opens meanwhile."""
    plans: list[str] = []

    def listen(connection: Any, _record: Any) -> None:  # Any: SQLAlchemy's own
        connection.driver_connection.add_log_listener(lambda _, message: plans.append(message.message))

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "connect", listen)
    try:
        yield plans
    finally:
        event.remove(engine, "connect", listen)
