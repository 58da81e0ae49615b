"""Idempotency-Key: done once whoever races, dies or forgets; kept for a day, sealed."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.idempotency_seal import AnswerSeal
from app.core.idempotency_store import delete_expired
from app.summaries.tasks import summarise
from tests.catalogue import ask
from tests.factories import Person
from tests.idempotency.posting import BODY, KEYS, SUMMARIES, age, assert_replay, count, post
from tests.servers import DatabaseUrls
from tests.statements import statements_of
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration


async def test_without_a_key_each_request_counts(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    for _ in range(2):
        await client.post(SUMMARIES, json=BODY, headers=alice.headers)
    assert await count(app, alice, "summaries") == 2
    assert await count(app, alice, "idempotency_keys") == 0


async def test_of_twenty_at_once_one_acts(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    answers = await asyncio.gather(*(post(client, alice) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    refused = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["code"] == "idempotency_key_in_use" for answer in refused)
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert await count(app, alice, "summaries") == 1


async def test_of_twenty_keys_made_at_once_one_is_made(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    answers = await asyncio.gather(*(post(client, alice, {"name": "k"}, path=KEYS) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await count(app, alice, "api_keys") == 1


async def test_redis_need_not_remember(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await post(client, alice)
    await app.state.redis.run(lambda redis: redis.flushall())
    assert_replay(first, await post(client, alice))


async def test_a_retry_of_a_wait_gets_what_the_wait_brought(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    waiting = asyncio.create_task(post(client, alice, prefer="wait=10"))
    async with asyncio.timeout(5):
        while await count(app, alice, "summaries") == 0:  # noqa: ASYNC110  # the row tells, no event of ours does
            await asyncio.sleep(0.05)
    meanwhile = await post(client, alice, prefer="wait=10")
    created = meanwhile.json()["id"]
    await summarise(bench_of(app), key_of(alice, created), tries=0)
    first = await waiting
    assert (meanwhile.status_code, meanwhile.headers["Idempotent-Replayed"]) == (202, "true")
    assert (first.status_code, first.json()["id"]) == (201, created)
    assert_replay(first, await post(client, alice, prefer="wait=10"))


async def test_what_an_answer_shows_is_not_legible_in_the_database(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    made = await post(client, alice, {"name": "k"}, path=KEYS)
    (row,) = await ask(database_urls.superuser, "SELECT * FROM idempotency_keys")
    secret = made.json()["api_key"].encode()
    assert all(secret not in value for value in row.values() if isinstance(value, bytes))
    assert b"8e03978e" not in row["key_digest"]


async def test_after_a_change_of_secret_it_is_done_no_second_time(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await post(client, alice)
    app.state.answer_seal = AnswerSeal.from_secret("another secret of many characters...")
    answer = await post(client, alice)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotent_answer_lost")
    assert await count(app, alice, "summaries") == 1


async def test_after_a_day_the_key_is_free_again(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    first = await post(client, alice)
    await age(database_urls, timedelta(hours=24, seconds=1))
    again = await post(client, alice)
    assert again.json()["id"] != first.json()["id"]
    assert_replay(again, await post(client, alice))
    assert await count(app, alice, "idempotency_keys") == 1


async def test_expired_keys_are_deleted_and_no_others(
    client: AsyncClient, alice: Person, charlie: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    for key in "abc":
        await post(client, alice, key=key)
    await age(database_urls, timedelta(hours=25))
    await post(client, charlie)
    assert await delete_expired(app.state.database, batch=2) is False
    assert await count(app, alice, "idempotency_keys") == 0
    assert await count(app, charlie, "idempotency_keys") == 1


async def test_a_backlog_is_deleted_round_by_round(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    for number in range(21):
        await post(client, alice, {"name": "k"}, path=f"{KEYS}/generate", key=f"k{number}")
    await age(database_urls, timedelta(hours=25))
    assert await delete_expired(app.state.database, batch=1) is True
    assert await delete_expired(app.state.database, batch=1) is False


@pytest.mark.usefixtures("remembered")
async def test_a_key_costs_a_submission_no_further_round_trip(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await client.post(SUMMARIES, json=BODY, headers=alice.headers)
    async with statements_of(app) as without:
        await client.post(SUMMARIES, json=BODY, headers=alice.headers)
    async with statements_of(app) as keyed:
        await post(client, alice)
    # The submission, and the call that wakes workers.
    assert len(keyed) == len(without) == 2, keyed
