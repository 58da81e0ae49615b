"""POST /summaries/batch: each item by itself, none at the cost of another."""

import asyncio
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.principal import Scope
from app.settings import Settings
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.summaries.batches.plan import set_used
from tests.summaries.shelf import PATH as SUMMARIES
from tests.summaries.shelf import TEXT, job_ids

pytestmark = pytest.mark.integration
PATH = f"{SUMMARIES}/batch"
ITEM = {"text": TEXT}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"db_statement_timeout_seconds": 2.0})


async def send(
    client: AsyncClient, person: Person, *items: object, key: str | None = None, **more: object
) -> Response:
    headers = {**person.headers, **({"Idempotency-Key": key} if key else {})}
    return await client.post(PATH, json={"items": items, **more}, headers=headers)


def statuses(answer: Response) -> list[int]:
    assert answer.status_code == 207, answer.text
    return [item["status"] for item in answer.json()["items"]]


async def test_who_may_not_write_may_not_write_many(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    reader = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    assert (await send(client, reader, ITEM)).status_code == 403


async def test_what_is_no_list_of_items_is_422(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    bodies: dict[str, Any] = {
        "no items": {"items": []},
        "101": {"items": [ITEM] * 101},
        "an object": {"items": ITEM},
        "nothing": {},
        "another field": {"items": [ITEM], "nonsense": 1},
    }
    for name, body in bodies.items():
        answer = await client.post(PATH, json=body, headers=alice.headers)
        with subtests.test(name):
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await job_ids(app.state.database) == []


async def test_a_bad_item_loses_nothing_of_the_others(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    bad = [{"url": "ftp://a.example"}, {"text": "a\x00"}, {"txt": "x"}, 5, None, {**ITEM, "store": False}]
    large = {"text": "a" * (1024 * 1024 + 1)}
    answer = await send(client, alice, ITEM, *bad, large, {"url": "https://a.example/"})
    assert statuses(answer) == [202, *[422] * 6, 413, 202]
    assert len(await job_ids(app.state.database)) == 2


async def test_a_fault_is_where_it_is_in_the_whole_body(client: AsyncClient, alice: Person) -> None:
    answer = await send(client, alice, ITEM, {"url": "ftp://a.example"}, {**ITEM, "length": {"words": 1}})
    [_, scheme, words] = answer.json()["items"]
    assert [fault["pointer"] for fault in scheme["problem"]["errors"]] == ["/items/1/url"]
    assert "/items/2/length/words" in {fault["pointer"] for fault in words["problem"]["errors"]}
    assert scheme["problem"]["request_id"] == answer.headers["X-Request-ID"]


async def test_each_item_is_answered_as_if_it_were_alone(client: AsyncClient, alice: Person) -> None:
    answer = await send(
        client, alice, {**ITEM, "tags": ["a"]}, {**ITEM, "on_duplicate": "return", "tags": ["a"]}
    )
    [first, again] = answer.json()["items"]
    assert (first["status"], again["status"]) == (202, 200)
    assert first["summary"]["id"] == again["summary"]["id"]
    assert first["location"].endswith(f"{SUMMARIES}/{first['summary']['id']}")
    read = await client.get(f"{SUMMARIES}/{first['summary']['id']}", headers=alice.headers)
    assert read.json() == first["summary"]


async def test_what_the_quota_has_no_room_for_is_told_so(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await set_used(app, alice, 998)
    answer = await send(client, alice, ITEM, ITEM, ITEM, ITEM)
    assert statuses(answer) == [202, 202, 403, 403]
    assert {item["problem"]["code"] for item in answer.json()["items"][2:]} == {"quota_exceeded"}


async def test_each_item_counts_against_the_limit_of_the_minute(client: AsyncClient, alice: Person) -> None:
    answer = await send(client, alice, *[ITEM] * 40)
    codes = statuses(answer)
    accepted = codes.index(429)
    assert 30 <= accepted <= 35
    assert set(codes[accepted:]) == {429}
    assert (await send(client, alice, ITEM)).status_code in {429, 207}
    assert (await client.post(SUMMARIES, json=ITEM, headers=alice.headers)).status_code == 429


async def test_a_retry_with_the_same_key_is_answered_alike(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await send(client, alice, ITEM, {"url": "ftp://a.example"}, key="k1")
    again = await send(client, alice, ITEM, {"url": "ftp://a.example"}, key="k1")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    assert len(await job_ids(app.state.database)) == 1


async def test_another_body_under_the_same_key_is_422(client: AsyncClient, alice: Person) -> None:
    await send(client, alice, ITEM, key="k1")
    answer = await send(client, alice, ITEM, ITEM, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_retry_tries_only_what_there_was_no_room_for(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await set_used(app, alice, 999)
    first = await send(client, alice, ITEM, {"text": f"Also. {TEXT}"}, key="k1")
    await set_used(app, alice, 0)
    again = await send(client, alice, ITEM, {"text": f"Also. {TEXT}"}, key="k1")
    assert (statuses(first), statuses(again)) == ([202, 403], [202, 202])
    ids = [answer.json()["items"][0]["summary"]["id"] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert (await client.get(f"{SUMMARIES}/count", headers=alice.headers)).json() == {"count": 2}


async def test_two_at_once_with_one_key_make_it_once(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    answers = await asyncio.gather(*(send(client, alice, ITEM, ITEM, key="k1") for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {207, 409}
    assert len(await job_ids(app.state.database)) == 2


async def test_what_is_left_when_the_process_is_told_to_stop_can_be_tried_again(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    app.state.draining = True
    answer = await send(client, alice, ITEM, ITEM, key="k1")
    app.state.draining = False
    assert statuses(answer) == [503, 503]
    assert answer.json()["items"][0]["problem"]["retryable"]
    assert statuses(await send(client, alice, ITEM, ITEM, key="k1")) == [202, 202]


async def test_what_the_database_did_not_answer_in_time_can_be_tried_again(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    await send(client, alice, ITEM)
    connection = await asyncpg.connect(database_urls.superuser)
    async with connection.transaction():
        await connection.execute("LOCK TABLE summary_contents IN ACCESS EXCLUSIVE MODE")
        answer = await send(client, alice, ITEM, ITEM, key="k1")
    await connection.close()
    assert statuses(answer) == [503, 503]
    assert statuses(await send(client, alice, ITEM, ITEM, key="k1")) == [202, 202]
