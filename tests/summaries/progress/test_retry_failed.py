"""POST /summaries/retry: many failed ones at once."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from tests.factories import Person
from tests.summaries.shelf import PATH, create, set_columns

pytestmark = pytest.mark.integration

WAITING = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")


async def failed(
    client: AsyncClient, app: FastAPI, person: Person, *, reason: str = "timeout", **body: Any
) -> str:  # Any: JSON
    created = await create(client, person, **body)
    await set_columns(app, person, created["id"], status="failed", failure_reason=reason)
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'succeeded'"))
    return str(created["id"])


async def retry(client: AsyncClient, person: Person, **wish: Any) -> Response:  # Any: JSON
    return await client.post(f"{PATH}/retry", json=wish, headers=person.headers)


async def statuses(client: AsyncClient, person: Person, *ids: str) -> list[str]:
    answers = [await client.get(f"{PATH}/{summary_id}", headers=person.headers) for summary_id in ids]
    return [answer.json()["status"] for answer in answers]


async def test_nobody_retries_without_a_credential(client: AsyncClient) -> None:
    assert (await client.post(f"{PATH}/retry", json={})).status_code == 401


async def test_a_wish_that_makes_no_sense_is_422(client: AsyncClient, alice: Person) -> None:
    wishes: list[dict[str, Any]]  # Any: JSON
    wishes = [{"limit": 0}, {"limit": 501}, {"reasons": []}, {"reasons": ["boredom"]}, {"nonsense": 1}]
    for wish in wishes:
        assert (await retry(client, alice, **wish)).status_code == 422


async def test_all_of_mine_that_may_be_mended_wait_again(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    mine = [await failed(client, app, alice) for _ in range(3)]
    hopeless = await failed(client, app, alice, reason="too_short")
    his = await failed(client, app, bob, visibility="organization")
    answer = await retry(client, alice)
    assert (answer.status_code, answer.json()) == (202, {"retried": 3, "left": 0, "ids": mine})
    assert await statuses(client, alice, *mine, hopeless, his) == ["queued"] * 3 + ["failed"] * 2
    async with app.state.database.transaction() as session:
        assert await session.scalar(WAITING) == 3


async def test_wishes_narrow_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    tagged = await failed(client, app, alice, tags=["news"])
    short = await failed(client, app, alice, reason="too_short")
    assert (await retry(client, alice, created_before="2020-01-01T00:00:00Z")).json()["retried"] == 0
    assert (await retry(client, alice, created_after="2999-01-01T00:00:00Z")).json()["retried"] == 0
    assert (await retry(client, alice, tag="news")).json()["ids"] == [tagged]
    assert (await retry(client, alice, reasons=["too_short"])).json()["ids"] == [short]


async def test_the_answer_says_how_many_are_left(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    oldest, *_ = [await failed(client, app, alice) for _ in range(3)]
    assert (await retry(client, alice, limit=1)).json() == {"retried": 1, "left": 2, "ids": [oldest]}


async def test_each_counts_against_the_limit(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    for _ in range(20):
        await failed(client, app, alice)
    # Of thirty a minute twenty are spent, and a few regained since.
    answer = (await retry(client, alice)).json()
    assert 9 <= answer["retried"] < 20
    assert answer["retried"] + answer["left"] == 20


async def test_two_at_once_retry_each_once(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    for _ in range(6):
        await failed(client, app, alice)
    answers = await asyncio.gather(*(retry(client, alice, limit=6) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    ids = [summary_id for answer in answers for summary_id in answer.json()["ids"]]
    assert len(ids) == len(set(ids)) == 6
    async with app.state.database.transaction() as session:
        assert await session.scalar(WAITING) == 6
