"""The queue's connections, and how they are found to be gone."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus

from app.settings_parsing import to_libpq_url
from app.worker.pool import SILENT_SECONDS, Freshness, make_pool
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration
ASKED = "SELECT query FROM pg_stat_activity WHERE pid = %s"
END = "SELECT pg_terminate_backend(%s, 5000)"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def connection(database_urls: DatabaseUrls) -> AsyncIterator[AsyncConnection]:
    made = await AsyncConnection.connect(to_libpq_url(database_urls.rw), autocommit=True)
    yield made
    await made.close()


def ask(urls: DatabaseUrls, statement: str, pid: int) -> object:
    with psycopg.connect(to_libpq_url(urls.superuser), autocommit=True) as superuser:
        return (superuser.execute(statement, [pid]).fetchone() or (None,))[0]


async def test_one_that_its_server_closed_is_not_lent(
    connection: AsyncConnection, database_urls: DatabaseUrls
) -> None:
    freshness = Freshness(Clock())
    await freshness.given_back(connection)
    ask(database_urls, END, connection.info.backend_pid)
    with pytest.raises(OperationalError):
        await freshness.check(connection)


@pytest.mark.parametrize(("silent", "asked"), [(0.0, "SELECT 1"), (SILENT_SECONDS + 1, "")])
async def test_only_one_that_was_silent_is_asked(
    connection: AsyncConnection, database_urls: DatabaseUrls, silent: float, asked: str
) -> None:
    clock = Clock()
    freshness = Freshness(clock)
    await connection.execute("SELECT 1")
    await freshness.given_back(connection)
    clock.now += silent
    await freshness.check(connection)
    assert ask(database_urls, ASKED, connection.info.backend_pid) == asked


async def test_one_that_was_never_lent_is_asked(
    connection: AsyncConnection, database_urls: DatabaseUrls
) -> None:
    await connection.execute("SELECT 1")
    await Freshness(Clock()).check(connection)
    assert ask(database_urls, ASKED, connection.info.backend_pid) == ""


async def test_a_question_is_no_transaction_of_several(database_urls: DatabaseUrls) -> None:
    url = to_libpq_url(database_urls.rw)
    async with make_pool(conninfo=url, min_size=1, open=False) as pool, pool.connection() as lent:
        await lent.execute("SELECT 1")
        assert lent.info.transaction_status == TransactionStatus.IDLE
