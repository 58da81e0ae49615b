"""Jobs and the queue in figures."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI
from procrastinate.exceptions import JobAborted
from prometheus_client import REGISTRY

from app.core.db import Database
from app.core.jobs import QUEUES, enqueue
from app.worker.gauges import free_share, keep_gauges, set_gauges
from app.worker.measuring import measured
from tests.catalogue import ask
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration
REGISTER = "SELECT procrastinate_register_worker_v1() FROM generate_series(1, $1)"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (ValueError(), "error"),
        (asyncio.CancelledError(), "cancelled"),
        (JobAborted(), "cancelled"),
    ],
)
async def test_a_try_is_counted_by_how_it_ended(error: BaseException | None, outcome: str) -> None:
    async def run() -> None:
        if error is not None:
            raise error

    before = value("precis_jobs_total", task="test", outcome=outcome)
    seconds = value("precis_job_seconds_count", task="test")
    await asyncio.gather(measured("test", run)(), return_exceptions=True)
    assert value("precis_jobs_total", task="test", outcome=outcome) == before + 1
    assert value("precis_job_seconds_count", task="test") == seconds + 1
    assert value("precis_jobs_running", task="test") == 0


async def test_a_waiting_job_is_seen_by_its_number_and_its_age(app: FastAPI, tmp_path: Path) -> None:
    database: Database = app.state.database
    async with database.transaction() as session:
        await enqueue(session, "test", args={}, queueing_lock="one")
    await asyncio.sleep(0.05)
    await set_gauges(database, tmp_path)
    assert value("precis_queue_jobs", state="waiting") == 1
    assert value("precis_queue_oldest_seconds") > 0
    assert value("precis_queue_workers") == 0
    assert 0 < value("precis_disk_free_share") <= 1


@pytest.mark.parametrize(("processes", "leaving"), [(1, False), (3, False), (2, True)])
async def test_a_process_is_one_worker_though_it_is_registered_for_each_queue(
    app: FastAPI, tmp_path: Path, database_urls: DatabaseUrls, processes: int, *, leaving: bool
) -> None:
    # One that leaves has taken back the first of its two.
    rows = len(QUEUES) * processes - leaving
    await ask(database_urls.superuser, REGISTER, rows)
    await set_gauges(app.state.database, tmp_path)
    assert value("precis_queue_workers") == processes


async def test_gauges_go_on_without_the_database(app: FastAPI, tmp_path: Path) -> None:
    gone = app.state.settings.model_copy(update={"database_url": "postgresql+asyncpg://x@127.0.0.1:1/y"})
    task = asyncio.create_task(keep_gauges(Database.from_settings(gone), tmp_path))
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel()


def test_a_folder_that_is_not_there_yet_is_measured_by_its_parent(tmp_path: Path) -> None:
    assert 0 < free_share(tmp_path / "not" / "yet") <= 1
