"""The queue as staff see it: no argument but ids, and only what failed is tried again."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.db import Tenant
from app.core.jobs import enqueue
from app.outbox.mails import RECIPIENT, Mail, queue_mail
from tests.admin.logs import Log
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

SET_LATEST = """
UPDATE procrastinate_jobs SET status = CAST(:status AS procrastinate_job_status)
WHERE id = (SELECT max(id) FROM procrastinate_jobs)
"""
JOBS = "/api/v1/admin/jobs"


async def mail(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction(Tenant()) as session:
        facts = {RECIPIENT: "secret@example.com", "from_address": "192.0.2.9", "odd_id": "nonsense"}
        await queue_mail(session, Mail.PASSWORD_CHANGED, user_id=person.user_id, facts=facts)


async def run(app: FastAPI, statement: str) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text(statement))


async def fail_summaries(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text("UPDATE summaries SET status = 'failed', failure_reason = 'internal'"))


async def retry(client: AsyncClient, staff: Person, job_id: object) -> Response:
    return await client.post(f"{JOBS}/{job_id}/retry", headers=staff.headers)


async def listed(client: AsyncClient, staff: Person, query: str = "") -> list[int]:
    answer = await client.get(f"{JOBS}{query}", headers=staff.headers)
    return [item["id"] for item in answer.json()["items"]]


async def test_a_moderator_sees_no_job(client: AsyncClient, mona: Person) -> None:
    assert (await client.get(JOBS, headers=mona.headers)).status_code == 403


@pytest.mark.parametrize("job_id", ["0", "x", "-1", "99999999999999999999", "9" * 40, "1.5"])
async def test_what_is_no_job_is_404(client: AsyncClient, adam: Person, job_id: str) -> None:
    answer = await retry(client, adam, job_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


async def test_arguments_are_shown_as_ids_and_nothing_else(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    await mail(app, alice)
    answer = await client.get(JOBS, headers=adam.headers)
    (job,) = answer.json()["items"]
    assert job["ids"] == {"user_id": str(alice.user_id)}
    assert (job["task"], job["status"], job["attempts"]) == ("accounts.send_mail", "todo", 0)
    assert job["created_at"] == job["changed_at"]
    assert "secret" not in answer.text


async def test_jobs_are_filtered_and_paged_newest_first(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    for _ in range(3):
        await mail(app, alice)
    await run(app, "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = 2")
    assert await listed(client, adam) == [3, 2, 1]
    assert await listed(client, adam, "?status=failed") == [2]
    assert await listed(client, adam, "?task=summaries.summarise") == []
    first = (await client.get(f"{JOBS}?limit=2", headers=adam.headers)).json()
    assert await listed(client, adam, f"?limit=2&cursor={first['next_cursor']}") == [1]
    assert (await client.get(f"{JOBS}?status=odd", headers=adam.headers)).status_code == 422


async def test_only_a_failed_job_is_tried_again(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person, database_urls: DatabaseUrls
) -> None:
    await mail(app, alice)
    for status in ("todo", "doing", "succeeded", "cancelled"):
        await run(app, f"UPDATE procrastinate_jobs SET status = '{status}'")  # noqa: S608  # our own words
        answer = await retry(client, adam, 1)
        assert (answer.status_code, answer.json()["code"]) == (409, "job_not_failed")
    await run(app, "UPDATE procrastinate_jobs SET status = 'failed'")
    answer = await retry(client, adam, 1)
    assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (200, "todo", 0)
    (entry,) = await Log(database_urls).entries()
    assert (entry["action"], entry["details"]) == ("job_retried", '{"job": 1}')
    assert (await retry(client, adam, 1)).status_code == 409


async def test_a_summary_that_failed_with_its_job_is_queued_again(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    text = {"text": "A sentence to be summarised. " * 20}
    made = await client.post("/api/v1/summaries", headers=alice.headers, json=text)
    url = f"/api/v1/summaries/{made.json()['id']}"
    await run(app, "UPDATE procrastinate_jobs SET status = 'failed', attempts = 5")
    await fail_summaries(app, alice)
    assert (await client.get(url, headers=alice.headers)).json()["status"] == "failed"
    assert (await retry(client, adam, 1)).status_code == 200
    assert (await client.get(url, headers=alice.headers)).json()["status"] == "queued"


async def test_a_job_whose_work_waits_already_is_left(
    client: AsyncClient, app: FastAPI, adam: Person
) -> None:
    for status in ("failed", "todo"):
        async with app.state.database.transaction() as session:
            assert await enqueue(session, "summaries.summarise", args={}, queueing_lock="same")
            values = {"status": status}
            await session.execute(text(SET_LATEST), values)
    answer = await retry(client, adam, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "job_already_waiting")


async def test_the_dashboard_counts_the_queue_and_says_how_long_the_oldest_waits(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    for _ in range(5):
        await mail(app, alice)
    await run(app, "UPDATE procrastinate_events SET at = now() - interval '90 seconds' WHERE job_id = 3")
    await run(app, "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE id = 4")
    await run(app, "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = 1")
    await run(app, "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = 2")
    seen = (await client.get("/api/v1/admin/dashboard", headers=adam.headers)).json()
    assert 90 <= seen["queue"].pop("oldest_waiting_seconds") < 120
    assert seen["queue"] == {"waiting": 3, "running": 1, "failed": 1}
    assert seen["errors_today"] == {"total": 1, "summaries": {}, "jobs": {"accounts.send_mail": 1}}
    await run(app, "UPDATE procrastinate_jobs SET scheduled_at = now() - interval '5 minutes' WHERE id = 4")
    seen = (await client.get("/api/v1/admin/dashboard", headers=adam.headers)).json()
    assert seen["queue"]["oldest_waiting_seconds"] >= 300
