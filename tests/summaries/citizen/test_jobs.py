"""What manners mean for jobs: put back without blame; a page that has not changed is not read again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.reading.courtesy import Validators
from app.summaries.citizen.manners import PostponedError
from app.summaries.requeueing import requeue_unfinished
from app.summaries.tasks import MAX_TRIES, Workbench, summarise
from tests.factories import Person
from tests.summaries.shelf import PATH, create, job_ids, lose_job, row_of, set_columns
from tests.summaries.workbench import ScriptedFetcher, bench_of, key_of

pytestmark = pytest.mark.integration
URL = "https://example.com/rain"
FIRST = Validators('"v1"', "Sat, 21 Nov 2026 10:00:00 GMT")


async def jobs(app: FastAPI) -> list[Any]:  # Any: rows
    async with app.state.database.transaction() as session:
        rows = await session.execute(text("SELECT * FROM procrastinate_jobs ORDER BY id"))
    return list(rows)


async def status_of(client: AsyncClient, person: Person, summary_id: str) -> str:
    answer = await client.get(f"{PATH}/{summary_id}", headers=person.headers)
    return str(answer.json()["status"])


def busy(app: FastAPI, seconds: float = 40.0) -> Workbench:
    return bench_of(app, fetcher=ScriptedFetcher(PostponedError(seconds)))


async def test_a_job_whose_turn_is_far_off_is_put_back(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    await lose_job(app.state.database, (await job_ids(app.state.database))[0])
    await summarise(busy(app), key_of(alice, created["id"]), tries=0)
    assert await status_of(client, alice, created["id"]) == "queued"
    (job,) = await jobs(app)
    assert (job.task_name, job.queueing_lock) == ("summaries.summarise", created["id"])
    assert 30 < (job.scheduled_at - datetime.now(UTC)).total_seconds() <= 40


async def test_what_is_put_back_keeps_the_rank_that_its_tenants_backlog_gave_it(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    await lose_job(app.state.database, (await job_ids(app.state.database))[0])
    await summarise(busy(app), key_of(alice, created["id"]), tries=0, priority=-3)
    assert [job.priority for job in await jobs(app)] == [-3]


async def test_however_often_it_is_put_back_it_has_not_failed(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    for _ in range(MAX_TRIES + 2):
        await summarise(busy(app), key_of(alice, created["id"]), tries=0)
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    assert await status_of(client, alice, created["id"]) == "ready"


async def test_a_summary_that_was_put_back_is_given_no_second_job(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    await lose_job(app.state.database, (await job_ids(app.state.database))[0])
    await summarise(busy(app), key_of(alice, created["id"]), tries=0)
    await set_columns(app, alice, created["id"], updated_at=datetime.now(UTC) - timedelta(hours=1))
    await requeue_unfinished(app.state.database)
    assert len(await jobs(app)) == 1


async def refresh(client: AsyncClient, person: Person, summary_id: str) -> None:
    answer = await client.post(f"{PATH}/{summary_id}/refresh", json={}, headers=person.headers)
    assert answer.status_code == 202


async def test_what_a_page_is_known_by_is_kept(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher(validators=FIRST)
    await summarise(bench_of(app, fetcher=fetcher), key_of(alice, created["id"]), tries=0)
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.http_etag, row.http_last_modified) == (FIRST.etag, FIRST.last_modified)
    assert not fetcher.asked_with[0]


async def test_a_refresh_asks_only_for_what_has_changed(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher(validators=FIRST)
    bench, key = bench_of(app, fetcher=fetcher), key_of(alice, created["id"])
    await summarise(bench, key, tries=0)
    before = await row_of(app.state.database, alice.organization_id, created["id"])
    await refresh(client, alice, created["id"])
    await summarise(bench, key, tries=0)
    after = await row_of(app.state.database, alice.organization_id, created["id"])
    assert fetcher.asked_with[1] == FIRST
    assert (after.status, after.summary, after.http_etag) == ("ready", before.summary, FIRST.etag)
    assert (after.pending, before.refreshed_at) == (None, None)
    assert after.refreshed_at is not None


async def test_a_page_that_has_changed_brings_its_new_validators(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher(validators=FIRST)
    bench, key = bench_of(app, fetcher=fetcher), key_of(alice, created["id"])
    await summarise(bench, key, tries=0)
    fetcher.validators = Validators('"v2"')
    await refresh(client, alice, created["id"])
    await summarise(bench, key, tries=0)
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.status, row.http_etag, row.http_last_modified) == ("ready", '"v2"', None)
