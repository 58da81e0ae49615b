"""The pool's waits, loans and failures are counted by kind."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.db import Database
from app.settings import Settings

pytestmark = pytest.mark.integration
PID = text("SELECT pg_backend_pid()")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_connection_is_counted_while_it_is_lent(settings: Settings) -> None:
    database = Database.from_settings(settings)
    before, waits = value("precis_db_connections_in_use"), value("precis_db_pool_wait_seconds_count")
    async with database.engine.connect():
        assert value("precis_db_connections_in_use") == before + 1
    assert value("precis_db_connections_in_use") == before
    assert value("precis_db_pool_wait_seconds_count") == waits + 1
    await database.dispose()


async def test_a_server_that_refuses_is_a_failure_to_connect(settings: Settings) -> None:
    gone = settings.model_copy(update={"database_url": "postgresql+asyncpg://x:y@127.0.0.1:1/z"})
    before = value("precis_db_failures_total", kind="connect")
    with pytest.raises((DBAPIError, OSError)):
        await Database.from_settings(gone).ping()
    assert value("precis_db_failures_total", kind="connect") == before + 1


async def test_an_exhausted_pool_is_a_failure_of_its_own(settings: Settings) -> None:
    """The wait is that for a new connection, too: the one that is lent must have come within it."""
    small = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0})
    database = Database.from_settings(small)
    before = value("precis_db_failures_total", kind="pool")
    async with database.engine.connect():
        with pytest.raises(PoolTimeoutError):
            await database.ping()
    assert value("precis_db_failures_total", kind="pool") == before + 1
    await database.dispose()


async def test_a_connection_that_breaks_while_lent_is_lost(settings: Settings) -> None:
    database = Database.from_settings(settings)
    before = value("precis_db_failures_total", kind="lost")
    async with database.engine.connect() as connection:
        pid = await connection.scalar(PID)
        async with database.engine.connect() as other:
            await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(DBAPIError):
            await connection.execute(text("SELECT 1"))
    assert value("precis_db_failures_total", kind="lost") == before + 1
    await database.dispose()


async def test_a_connection_to_a_server_that_became_read_only_is_replaced(settings: Settings) -> None:
    database = Database.from_settings(settings)
    before = value("precis_db_failures_total", kind="read_only")
    async with database.engine.connect() as connection:
        pid = await connection.scalar(PID)
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text("CREATE TABLE anything ()"))
        assert refused.value.connection_invalidated
    async with database.engine.connect() as connection:
        assert await connection.scalar(PID) != pid
    assert value("precis_db_failures_total", kind="read_only") == before + 1
    await database.dispose()
