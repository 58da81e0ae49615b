"""Prefer: wait=N, alone and through the route."""

import asyncio
import time

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.reading.errors import ReadingError, Reason
from app.summaries.tasks import summarise
from app.summaries.waiting import wait_until
from tests.factories import Person
from tests.held_connections import SECONDS, assert_none_is_held
from tests.summaries.shelf import PATH, TEXT, row_of, set_columns
from tests.summaries.workbench import ScriptedReader, bench_of, key_of


@pytest.mark.unit
async def test_draining_ends_the_wait_before_it_began() -> None:
    async def is_done() -> bool:
        raise AssertionError("nobody should look")

    await wait_until(is_done, seconds=10, is_draining=lambda: True)


@pytest.mark.alone
@pytest.mark.unit
async def test_wait_ends_when_its_time_is_up() -> None:
    looks = 0

    async def is_done() -> bool:
        nonlocal looks
        looks += 1
        return False

    began = time.monotonic()
    await wait_until(is_done, seconds=0.3, is_draining=lambda: False)
    assert time.monotonic() - began < 0.5
    assert 2 <= looks <= 5


@pytest.mark.integration
@pytest.mark.parametrize("prefer", ["wait=x", "respond-async", "wait=0"])
async def test_without_a_wait_it_is_202_at_once(client: AsyncClient, alice: Person, prefer: str) -> None:
    headers = {**alice.headers, "Prefer": prefer}
    answer = await client.post(PATH, json={"text": TEXT}, headers=headers)
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


@pytest.mark.integration
async def test_wait_that_was_too_short_is_202(client: AsyncClient, alice: Person) -> None:
    headers = {**alice.headers, "Prefer": "wait=1"}
    answer = await client.post(PATH, json={"text": TEXT}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert (answer.headers["Retry-After"], answer.headers["Preference-Applied"]) == ("2", "wait=1")


@pytest.mark.integration
async def test_every_line_of_prefer_counts(client: AsyncClient, alice: Person) -> None:
    headers = [*alice.headers.items(), ("Prefer", "respond-async"), ("Prefer", "wait=1")]
    answer = await client.post(PATH, json={"text": TEXT}, headers=headers)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")


@pytest.mark.integration
async def test_draining_process_does_not_wait(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    app.state.draining = True
    headers = {**alice.headers, "Prefer": "wait=15"}
    async with asyncio.timeout(5):
        answer = await client.post(PATH, json={"text": TEXT}, headers=headers)
    assert answer.status_code == 202


@pytest.mark.integration
@pytest.mark.parametrize(
    ("error", "status"), [(None, "ready"), (ReadingError(Reason.EMPTY_EXTRACTION), "failed")]
)
async def test_finished_within_the_wait_is_201(
    client: AsyncClient, alice: Person, app: FastAPI, error: Exception | None, status: str
) -> None:
    headers = {**alice.headers, "Prefer": "wait=10"}
    posting = asyncio.create_task(client.post(PATH, json={"text": TEXT}, headers=headers))
    async with asyncio.timeout(5):
        created = await only_summary(client, alice)
    await summarise(bench_of(app, reader=ScriptedReader(error)), key_of(alice, created), tries=0)
    answer = await posting
    assert (answer.status_code, answer.json()["status"]) == (201, status)
    assert answer.headers["Location"].endswith(created)
    assert "Retry-After" not in answer.headers


@pytest.mark.integration
async def test_waiting_request_holds_no_connection(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    headers = {**alice.headers, "Prefer": f"wait={3 * SECONDS}"}
    posts = [client.post(PATH, json={"text": TEXT}, headers=headers) for _ in range(6)]
    posting = asyncio.gather(*posts)
    async with asyncio.timeout(SECONDS):
        while app.state.progress.hub.watches < len(posts):  # noqa: ASYNC110  # nobody tells the test
            await asyncio.sleep(0.01)
    await assert_none_is_held(app)
    assert not posting.done()
    app.state.draining = True
    assert {answer.status_code for answer in await posting} == {202}


async def only_summary(client: AsyncClient, person: Person) -> str:
    """Its id, as soon as it is there."""
    items: list[dict[str, str]] = []
    while not items:
        await asyncio.sleep(0.05)
        items = (await client.get(PATH, headers=person.headers)).json()["items"]
    return items[0]["id"]


@pytest.mark.integration
async def test_deleted_while_it_is_waited_for_it_is_202(client: AsyncClient, alice: Person) -> None:
    headers = {**alice.headers, "Prefer": "wait=10"}
    posting = asyncio.create_task(client.post(PATH, json={"text": TEXT}, headers=headers))
    async with asyncio.timeout(5):
        created = await only_summary(client, alice)
    await client.delete(f"{PATH}/{created}", headers=alice.headers)
    answer = await posting
    assert (answer.status_code, answer.json()["id"]) == (202, created)


@pytest.mark.integration
async def test_a_retry_waits_as_whatever_else_begins_it_does(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = (await client.post(PATH, json={"text": TEXT}, headers=alice.headers)).json()["id"]
    await set_columns(app, alice, created, status="failed", failure_reason="timeout")
    headers = {**alice.headers, "Prefer": "wait=10"}
    posting = asyncio.create_task(client.post(f"{PATH}/{created}/retry", headers=headers))
    async with asyncio.timeout(5):
        status = "failed"
        while status == "failed":
            await asyncio.sleep(0.05)
            status = (await row_of(app.state.database, alice.organization_id, created)).status
    await summarise(bench_of(app), key_of(alice, created), tries=0)
    answer = await posting
    assert (answer.status_code, answer.json()["status"]) == (201, "ready")
