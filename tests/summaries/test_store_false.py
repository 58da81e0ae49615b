"""store=false: the answer is given once, and nothing of it stays anywhere."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.origin import JOB_ARGUMENT
from app.reading.errors import ReadingError, Reason
from app.summaries.retention import COLLECTED_WITHIN, delete_uncollected_summaries
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.anew import URL, PageReader, post, work
from tests.summaries.shelf import PATH, set_columns
from tests.summaries.workbench import ScriptedReader

pytestmark = pytest.mark.integration
# One word, so that an index of words would hold it too.
SECRET = "zebracrossing4711"
BODY = {
    "text": f"The word is {SECRET}. Nobody may keep it.",
    "title": SECRET,
    "notes": SECRET,
    "tags": [SECRET],
    "store": False,
}
TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


async def drained(client: AsyncClient, app: FastAPI, person: Person, **body: Any) -> str:  # Any: JSON
    """Its id: a process that is told to stop does not wait."""
    app.state.draining = True
    answer = await client.post(PATH, json={**BODY, **body}, headers=person.headers)
    app.state.draining = False
    assert answer.status_code == 202, answer.text
    summary_id: str = answer.json()["id"]
    return summary_id


async def waited(
    client: AsyncClient, app: FastAPI, person: Person, reader: ScriptedReader, **headers: str
) -> Response:
    """What is answered once a worker has done it."""
    posting = asyncio.create_task(client.post(PATH, json=BODY, headers={**person.headers, **headers}))
    found: list[dict[str, str]] = []
    async with asyncio.timeout(10):
        while not found:
            await asyncio.sleep(0.05)
            found = await jobs(app)
    await work(app, person, found[0]["summary_id"], reader)
    return await posting


async def jobs(app: FastAPI) -> list[dict[str, Any]]:  # Any: JSON
    async with app.state.database.transaction() as session:
        return list((await session.execute(text("SELECT args FROM procrastinate_jobs"))).scalars())


async def traces(urls: DatabaseUrls, app: FastAPI) -> list[str]:
    """Where the secret still stands: every row of every table, every key of Redis."""
    found = []
    for table in await ask(urls.superuser, TABLES):
        query = f"SELECT count(*) AS n FROM {table['name']} t WHERE t::text LIKE '%{SECRET}%'"  # noqa: S608  # our own names
        found += [table["name"]] * (await ask(urls.superuser, query))[0]["n"]
    return found + await cached(app)


async def cached(app: FastAPI) -> list[str]:
    async def look(redis: Any) -> list[str]:  # Any: redis.asyncio.Redis
        names = [name async for name in redis.scan_iter()]
        strings = [name for name in names if await redis.type(name) == b"string"]
        return [str(name) for name in strings if SECRET.encode() in (await redis.get(name) or b"")]

    names: list[str] = await app.state.redis.run(look)
    return names


async def test_what_is_refreshed_is_kept(client: AsyncClient, alice: Person) -> None:
    body = {**BODY, "on_duplicate": "refresh"}
    answer = await client.post(PATH, json=body, headers=alice.headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "store_refresh")


async def test_nobody_else_collects_it(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    summary_id = await drained(client, app, alice, visibility="organization")
    await work(app, alice, summary_id)
    for person in (bob, charlie):
        assert (await client.get(f"{PATH}/{summary_id}", headers=person.headers)).status_code == 404
        assert (await client.delete(f"{PATH}/{summary_id}", headers=person.headers)).status_code == 404
    assert (await client.get(f"{PATH}/{summary_id}", headers=alice.headers)).status_code == 200


@pytest.mark.parametrize(
    ("error", "status"), [(None, "ready"), (ReadingError(Reason.EMPTY_EXTRACTION), "failed")]
)
async def test_answer_is_waited_for_and_leaves_nothing(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    database_urls: DatabaseUrls,
    error: Exception | None,
    status: str,
) -> None:
    reader = PageReader(error=error)
    answer = await waited(client, app, alice, reader, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["status"]) == (201, status)
    assert ("Location" in answer.headers, answer.headers["Cache-Control"]) == (False, "no-store")
    assert SECRET.encode() in reader.documents[0].body
    assert await traces(database_urls, app) == []
    assert (await client.get(f"{PATH}/{answer.json()['id']}", headers=alice.headers)).status_code == 404


async def test_it_counts_against_the_quota(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await drained(client, app, alice)
    usage = await client.get(f"/api/v1/organizations/{alice.organization_id}/usage", headers=alice.headers)
    assert usage.json()["summaries"]["used"] == 1


@pytest.mark.parametrize("query", ["", "?include=text"])
async def test_collected_once_it_is_gone(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls, query: str
) -> None:
    url = f"{PATH}/{await drained(client, app, alice)}{query}"
    assert (await client.get(url, headers=alice.headers)).json()["status"] == "queued"
    await work(app, alice, url.removeprefix(f"{PATH}/")[:36])
    assert (await client.get(url, headers=alice.headers)).json()["status"] == "ready"
    assert (await client.get(url, headers=alice.headers)).status_code == 404
    assert await traces(database_urls, app) == []


@pytest.mark.parametrize("query", ["", "?include=text"])
async def test_head_does_not_collect_it(client: AsyncClient, app: FastAPI, alice: Person, query: str) -> None:
    summary_id = await drained(client, app, alice)
    await work(app, alice, summary_id)
    url = f"{PATH}/{summary_id}{query}"
    assert (await client.head(url, headers=alice.headers)).status_code == 200
    assert (await client.get(url, headers=alice.headers)).json()["status"] == "ready"


async def test_no_list_count_or_export_shows_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await work(app, alice, await drained(client, app, alice))
    for path in ("", f"?q={SECRET}", "/export?format=ndjson", "/tags", "/trash"):
        assert SECRET not in (await client.get(f"{PATH}{path}", headers=alice.headers)).text
    count = await client.get(f"{PATH}/count", headers=alice.headers)
    assert count.json() == {"count": 0}


@pytest.mark.parametrize("action", ["retry", "regenerate", "refresh", "share"])
async def test_nothing_else_can_be_done_with_it(
    client: AsyncClient, app: FastAPI, alice: Person, action: str
) -> None:
    summary_id = await drained(client, app, alice)
    await work(app, alice, summary_id)
    assert (await post(client, alice, summary_id, action)).status_code in {404, 409}
    url = f"{PATH}/{summary_id}"
    assert (await client.patch(url, json={"notes": "x"}, headers=alice.headers)).status_code == 404


async def test_no_other_submission_is_equal_to_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await drained(client, app, alice)
    body = {**BODY, "store": True, "on_duplicate": "return"}
    assert (await client.post(PATH, json=body, headers=alice.headers)).status_code == 202


async def test_equal_one_that_is_kept_may_be_returned(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    kept = (await client.post(PATH, json={"url": URL}, headers=alice.headers)).json()
    await work(app, alice, kept["id"])
    body = {"url": URL, "store": False, "on_duplicate": "return"}
    answer = await client.post(PATH, json=body, headers=alice.headers)
    assert (answer.status_code, answer.json()["id"]) == (200, kept["id"])
    assert (await client.get(f"{PATH}/{kept['id']}", headers=alice.headers)).status_code == 200


async def test_deleted_it_goes_past_the_trash_even_while_it_is_worked_on(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    summary_id = await drained(client, app, alice)
    deleted = await client.delete(f"{PATH}/{summary_id}", headers=alice.headers)
    assert (deleted.status_code, deleted.headers.get("content-type")) == (204, None)
    await work(app, alice, summary_id)
    assert await traces(database_urls, app) == []


async def test_uncollected_it_is_forgotten_within_the_hour(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    old = datetime.now(UTC) - COLLECTED_WITHIN - timedelta(seconds=1)
    for person in (alice, charlie):
        summary_id = await drained(client, app, person)
        await set_columns(app, person, summary_id, created_at=old)
    fresh = await drained(
        client, app, alice, title="other", notes=None, tags=[], text="Kept until collected. Then not."
    )
    assert await delete_uncollected_summaries(app.state.database, batch=1) is False
    assert await traces(database_urls, app) == []
    assert (await client.get(f"{PATH}/{fresh}", headers=alice.headers)).status_code == 200
    assert timedelta(hours=1) > COLLECTED_WITHIN


async def test_the_organisations_webhooks_do_not_hear_of_it(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    hook = {"url": "https://hooks.example.com/a", "events": ["summary.ready"]}
    assert (await client.post("/api/v1/webhooks", json=hook, headers=alice.headers)).status_code == 201
    await work(app, alice, await drained(client, app, alice))
    assert await ask(database_urls.superuser, "SELECT FROM webhook_deliveries") == []


async def test_jobs_hold_ids_and_nothing_else(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await drained(client, app, alice)
    ids = {"organization_id": str(alice.organization_id), "summary_id": summary_id}
    (job,) = await jobs(app)
    assert {name: job[name] for name in ids} == ids
    assert job.keys() - ids.keys() == {JOB_ARGUMENT}
    assert set(job[JOB_ARGUMENT]) == {"request_id", "traceparent"}
