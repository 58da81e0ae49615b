"""The worker's sealing loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from app.audit.chain import AuditKey
from app.audit.sealing import BATCH, Sealer
from app.worker.gauges import set_gauges
from app.worker.sealing import keep_sealing
from tests.audit.ledger import sealer_of, write
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

COUNT = "SELECT count(*) AS n FROM audit_seals"
MANY = """
INSERT INTO audit_entries (id, action, actor_kind, details)
SELECT gen_random_uuid(), 'logout', 'user', '{}' FROM generate_series(1, %d)
"""


@asynccontextmanager
async def kept(sealer: Sealer) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(keep_sealing(sealer))
    try:
        async with asyncio.timeout(20):
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wait_for_seals(urls: DatabaseUrls, count: int) -> None:
    while (await ask(urls.superuser, COUNT))[0]["n"] < count:  # noqa: ASYNC110  # a row is no event
        await asyncio.sleep(0.02)


async def test_a_round_that_fails_is_reported_and_does_not_end_the_loop(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    await write(app, alice.organization_id)
    await execute(database_urls.superuser, "ALTER TABLE audit_heads ADD CONSTRAINT fails CHECK (seq < 0)")
    async with kept(sealer_of(app)):
        while "audit_sealing_failed" not in caplog.text:  # noqa: ASYNC110  # a log record is no event
            await asyncio.sleep(0.02)
        await execute(database_urls.superuser, "ALTER TABLE audit_heads DROP CONSTRAINT fails")
        await wait_for_seals(database_urls, 1)


async def test_a_backlog_is_sealed_without_pauses(app: FastAPI, database_urls: DatabaseUrls) -> None:
    await execute(database_urls.superuser, MANY % (3 * BATCH))
    async with kept(Sealer(app.state.database, AuditKey(b"k"))) as task:
        await wait_for_seals(database_urls, 3 * BATCH)
        assert not task.done()


async def test_what_waits_for_a_seal_is_measured_where_nobody_seals(
    app: FastAPI, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    await execute(database_urls.superuser, MANY % 3)
    await set_gauges(app.state.database, tmp_path)
    assert REGISTRY.get_sample_value("precis_audit_unsealed") == 3
