"""Usage: counted once, refused beyond the plan, shown by day, person and key."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.db import Tenant
from app.core.plans import PLANS
from app.core.principal import Plan
from tests.factories import Person, Robot

pytestmark = pytest.mark.integration
TEXT = "A sentence to be summarised. " * 20
FREE = PLANS[Plan.FREE]
SUMMARIES = "/api/v1/summaries"


async def submit(client: AsyncClient, headers: dict[str, str]) -> Response:
    return await client.post(SUMMARIES, headers=headers, json={"text": TEXT})


async def used(app: FastAPI, person: Person, summaries: int) -> None:
    """As if so many had been made this month."""
    month = datetime.now(UTC).date().replace(day=1)
    values = {"month": month, "n": summaries}
    await run(app, person, "INSERT INTO usage_months VALUES (:organization_id, :month, :n)", **values)


async def run(app: FastAPI, person: Person, statement: str, **values: object) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text(statement), {"organization_id": person.organization_id, **values})


async def usage(client: AsyncClient, person: Person, query: str = "") -> Response:
    url = f"/api/v1/organizations/{person.organization_id}/usage{query}"
    return await client.get(url, headers=person.headers)


async def mails(app: FastAPI) -> list[tuple[str, int]]:
    async with app.state.database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT args->>'user_id', (args->>'percent')::int FROM procrastinate_jobs"
                " WHERE args->>'mail' = 'quota_warning' ORDER BY id"
            )
        )
        return [(str(row[0]), int(row[1])) for row in rows]


@pytest.mark.parametrize("month", ["2026-13", "26-01", "2026-1", "x", "2026-01-01"])
async def test_a_month_that_is_none_is_422(client: AsyncClient, alice: Person, month: str) -> None:
    assert (await usage(client, alice, f"?month={month}")).status_code == 422


async def test_a_spent_quota_is_its_own_problem_and_nothing_is_made(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await used(app, alice, FREE.summaries_per_month)
    answer = await submit(client, alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    counted = await client.get(f"{SUMMARIES}/count", headers=alice.headers)
    assert counted.json() == {"count": 0}
    assert await mails(app) == []


async def test_full_storage_is_refused(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    full = {"n": FREE.storage_bytes}
    await run(app, alice, "INSERT INTO usage_storage VALUES (:organization_id, :n)", **full)
    answer = await submit(client, alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    assert "storage" in answer.json()["detail"]


async def test_of_many_at_once_only_as_many_as_the_plan_has_left_get_in(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await used(app, alice, FREE.summaries_per_month - 3)
    answers = await asyncio.gather(*(submit(client, alice.headers) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [403] * 7
    assert (await usage(client, alice)).json()["summaries"]["used"] == FREE.summaries_per_month


async def test_a_refused_request_counts_nothing(client: AsyncClient, alice: Person) -> None:
    refused = await client.post(SUMMARIES, headers=alice.headers, json={"url": "ftp://example.org/"})
    assert refused.status_code == 422
    assert (await usage(client, alice)).json()["summaries"]["used"] == 0


async def test_a_retried_summary_is_not_counted_again(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = (await submit(client, alice.headers)).json()
    await run(app, alice, "UPDATE summaries SET status = 'failed', failure_retryable = true")
    again = await client.post(f"{SUMMARIES}/{made['id']}/retry", headers=alice.headers)
    assert again.status_code == 202
    assert (await usage(client, alice)).json()["summaries"]["used"] == 1


async def test_usage_is_shown_by_day_person_and_key(
    client: AsyncClient, alice: Person, bob: Person, robot: Robot
) -> None:
    for headers in (alice.headers, bob.headers, bob.headers, robot.headers):
        assert (await submit(client, headers)).status_code == 202
    shown = (await usage(client, bob)).json()
    keys = (await client.get("/api/v1/api-keys", headers=alice.headers)).json()["items"]
    assert shown["summaries"] == {"used": 4, "quota": 1000, "percent": 0.4}
    assert shown["by_day"] == [{"day": f"{datetime.now(UTC):%Y-%m-%d}", "summaries": 4}]
    assert {row["user_id"]: row["summaries"] for row in shown["by_user"]} == {
        str(alice.user_id): 2,
        str(bob.user_id): 2,
    }
    assert shown["by_key"] == [{"api_key_id": keys[0]["id"], "summaries": 1}]


async def test_another_month_is_another_count(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    values = {"month": date(2025, 12, 1), "n": 7}
    await run(app, alice, "INSERT INTO usage_months VALUES (:organization_id, :month, :n)", **values)
    assert (await usage(client, alice, "?month=2025-12")).json()["summaries"]["used"] == 7
    assert (await usage(client, alice)).json()["summaries"]["used"] == 0


async def test_storage_follows_the_texts(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await submit(client, alice.headers)
    stored = (await usage(client, alice)).json()["storage_bytes"]["used"]
    assert stored == len(TEXT)
    await run(app, alice, "UPDATE summary_contents SET text = 'äö'")
    assert (await usage(client, alice)).json()["storage_bytes"]["used"] == stored + 4
    await run(app, alice, "DELETE FROM summaries")
    assert (await usage(client, alice)).json()["storage_bytes"]["used"] == 0


@pytest.mark.parametrize("percent", [80, 100])
async def test_each_owner_is_warned_once(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, percent: int
) -> None:
    await used(app, alice, FREE.summaries_per_month * percent // 100 - 1)
    await submit(client, bob.headers)
    await submit(client, bob.headers)
    assert await mails(app) == [(str(alice.user_id), percent)]


async def stopped(client: AsyncClient, person: Person, how: str) -> str:
    """One whose work its user stopped: cancelled, or thrown away."""
    url = f"{SUMMARIES}/{(await submit(client, person.headers)).json()['id']}"
    if how == "trash":
        await client.delete(url, headers=person.headers)
    else:
        await client.post(f"{url}/cancel", headers=person.headers)
    return f"{url}/{'restore' if how == 'trash' else 'retry'}"


@pytest.mark.parametrize("how", ["cancel", "trash"])
async def test_what_its_user_stopped_counts_when_it_is_begun_again(
    client: AsyncClient, app: FastAPI, alice: Person, how: str
) -> None:
    again = await stopped(client, alice, how)
    assert (await client.post(again, headers=alice.headers)).status_code in {200, 202}
    assert (await usage(client, alice)).json()["summaries"]["used"] == 2
    again = await stopped(client, alice, how)
    await run(app, alice, "UPDATE usage_months SET summaries = :n", n=FREE.summaries_per_month)
    answer = await client.post(again, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")


async def test_many_that_were_cancelled_count_too_and_what_failed_does_not(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for _ in range(3):
        await stopped(client, alice, "cancel")
    oldest = "id = (SELECT id FROM summaries ORDER BY id LIMIT 1)"
    await run(app, alice, f"UPDATE summaries SET failure_reason = 'timeout' WHERE {oldest}")  # noqa: S608  # ours
    await run(app, alice, "UPDATE usage_months SET summaries = :n", n=799)
    answer = await client.post(f"{SUMMARIES}/retry", json={}, headers=alice.headers)
    assert (answer.status_code, answer.json()["retried"]) == (202, 3)
    assert (await usage(client, alice)).json()["summaries"]["used"] == 801
    assert await mails(app) == [(str(alice.user_id), 80)]


async def test_of_many_that_are_too_many_none_is_begun(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for _ in range(2):
        await stopped(client, alice, "cancel")
    await run(app, alice, "UPDATE usage_months SET summaries = :n", n=FREE.summaries_per_month - 1)
    answer = await client.post(f"{SUMMARIES}/retry", json={}, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    found = await client.get(f"{SUMMARIES}/count?status=failed", headers=alice.headers)
    assert found.json()["count"] == 2
