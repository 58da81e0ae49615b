"""What is answered before routing is answered as the route would, and costs one question to Redis."""

import asyncio
import math
import time
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from starlette.types import Receive, Scope, Send

from app.core.middleware.access_log import describe
from app.core.principal import Scope as Permission
from tests.early import Asked, caller, round_trips, said, warmed
from tests.factories import Factory, Person, Robot
from tests.statements import statements_of
from tests.summaries.shelf import create, set_columns

pytestmark = pytest.mark.integration
PATH = "/api/v1/summaries"


@pytest.fixture
async def summary(client: AsyncClient, app: FastAPI, alice: Person) -> dict[str, Any]:
    created = await create(client, alice)
    await set_columns(app, alice, created["id"], status="ready", summary="word " * 300)
    return created


@pytest.mark.usefixtures("remembered")
async def test_a_warm_read_asks_redis_once_and_postgresql_nothing(
    client: AsyncClient, app: FastAPI, alice: Person, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    await warmed(client, path, alice.headers)
    async with statements_of(app) as statements:
        before = await round_trips(app.state.redis)
        assert (await client.get(path, headers=alice.headers)).status_code == 200
        # The question how many there were is one too.
        assert await round_trips(app.state.redis) - before == 2
    assert statements == []


@pytest.mark.usefixtures("remembered")
async def test_a_cold_read_is_one_statement_and_answered_as_the_route_answers_it(
    client: AsyncClient, app: FastAPI, routes_only: FastAPI, alice: Person, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    await warmed(client, PATH, alice.headers)
    async with caller(routes_only) as routed, statements_of(app) as statements:
        answers = []
        for each in (client, routed):
            answers.append(said(await each.get(path, headers=alice.headers)))
            await app.state.redis.run(lambda redis: redis.flushdb())
    assert answers[0] == answers[1]
    assert sum("FROM summaries" in statement for statement in statements) == 2


@pytest.mark.usefixtures("remembered")
async def test_what_is_not_there_is_one_statement_too(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, summary: dict[str, Any]
) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    for person, path in ((alice, f"{PATH}/{unknown}"), (charlie, f"{PATH}/{summary['id']}")):
        await warmed(client, PATH, person.headers)
        async with statements_of(app) as statements:
            answer = await client.get(path, headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_found")
        assert sum("FROM summaries" in statement for statement in statements) == 1


@pytest.mark.usefixtures("remembered")
async def test_concurrent_warm_reads_share_their_round_trips(
    client: AsyncClient, app: FastAPI, robot: Robot, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    await warmed(client, path, robot.headers)
    before = await round_trips(app.state.redis)
    answers = await asyncio.gather(*(client.get(path, headers=robot.headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert await round_trips(app.state.redis) - before < 10


def variants(one: str, tag: str, alice: Person, robot: Robot) -> dict[str, Asked]:
    bearer = {"Authorization": f"Bearer {alice.access_token}"}
    return {
        "bearer": Asked(one, bearer),
        "lower-case scheme": Asked(one, {"Authorization": f"bearer  {alice.access_token} "}),
        "another scheme": Asked(one, {"Authorization": f"Basic {alice.access_token}"}),
        "no token": Asked(one, {"Authorization": "Bearer "}),
        "API key": Asked(one, robot.headers),
        "API key as bearer": Asked(one, {"Authorization": f"Bearer {robot.api_key}"}),
        "both": Asked(one, {**bearer, **robot.headers}),
        "two tokens": Asked(one, [*bearer.items(), *bearer.items()]),
        "none": Asked(one, {}),
        "garbage": Asked(one, {"Authorization": "Bearer not.a.token"}),
        "mistyped key": Asked(one, {"X-API-Key": f"{robot.api_key[:-1]}_"}),
        "neither key nor token": Asked(one, {"X-API-Key": "something"}),
        "empty key": Asked(one, {"X-API-Key": ""}),
        "slash": Asked(f"{one}/", bearer),
        "upper case": Asked(one.upper().replace("/API/V1/SUMMARIES", PATH), bearer),
        "no id": Asked(f"{PATH}/12", bearer),
        "unknown": Asked(f"{PATH}/00000000-0000-7000-8000-000000000000", bearer),
        "unknown parameter": Asked(f"{one}?x=1", bearer),
        "with its text": Asked(f"{one}?include=text", bearer),
        "HEAD": Asked(one, bearer, "HEAD"),
        "POST": Asked(one, bearer, "POST"),
        "304": Asked(one, {**bearer, "If-None-Match": tag}),
        "304 of a weak one": Asked(one, {**bearer, "If-None-Match": f'"x", W/{tag}'}),
        "304 of any": Asked(one, {**bearer, "If-None-Match": "*"}),
        "another tag": Asked(one, {**bearer, "If-None-Match": '"another"'}),
        "endless condition": Asked(one, {**bearer, "If-None-Match": "x" * 1001}),
        "two conditions": Asked(one, [*bearer.items(), ("If-None-Match", tag), ("If-None-Match", "x")]),
        "gzip": Asked(one, {**bearer, "Accept-Encoding": "gzip"}),
        "identity": Asked(one, {**bearer, "Accept-Encoding": "identity"}),
    }


async def test_every_variant_is_answered_as_the_route_answers_it(
    app: FastAPI, routes_only: FastAPI, alice: Person, robot: Robot, summary: dict[str, Any]
) -> None:
    one = f"{PATH}/{summary['id']}"
    async with caller(app) as warm, caller(routes_only) as cold:
        tag = (await warmed(warm, one, alice.headers)).headers["etag"]
        await warmed(warm, one, robot.headers)
        for name, asked in variants(one, tag, alice, robot).items():
            answers = [
                said(await each.request(asked.method, asked.path, headers=asked.headers))
                for each in (warm, cold)
            ]
            assert answers[0] == answers[1], name


async def test_a_warm_summary_stays_its_owners(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    for person in (alice, bob, charlie):
        await warmed(client, PATH, person.headers)
    statuses = [
        (await client.get(path, headers=person.headers)).status_code
        for person in (alice, bob, charlie, alice)
    ]
    assert statuses == [200, 404, 404, 200]


async def test_a_token_without_the_scope_is_refused_where_all_is_warm(
    client: AsyncClient, alice: Person, factory: Factory, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    await warmed(client, path, alice.headers)
    other = await factory.with_scopes(alice, Permission.PROFILE_READ)
    answer = await warmed(client, path, other.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_each_request_is_counted_once_warm_or_not(
    client: AsyncClient, alice: Person, summary: dict[str, Any]
) -> None:
    path, unknown = f"{PATH}/{summary['id']}", f"{PATH}/00000000-0000-7000-8000-000000000000"
    left = [
        int((await client.get(each, headers=alice.headers)).headers["x-ratelimit-remaining"])
        for each in (path, path, path, unknown, unknown, path)
    ]
    # A hit of a hundred a minute comes back meanwhile at most.
    assert left[0] - left[-1] in {4, 5}


async def test_the_limit_refuses_a_warm_read_too(
    client: AsyncClient, alice: Person, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    began = time.monotonic()
    answers = await asyncio.gather(*(client.get(path, headers=alice.headers) for _ in range(300)))
    back = math.ceil((time.monotonic() - began) / 0.6)  # of a hundred a minute
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 300 - len(refused) <= 100 + back
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


async def test_a_session_that_ended_reads_nothing_more(
    client: AsyncClient, alice: Person, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    assert (await warmed(client, path, alice.headers)).status_code == 200
    token = {"refresh_token": alice.refresh_token}
    assert (await client.post("/api/v1/auth/logout", json=token, headers=alice.headers)).is_success
    answer = await client.get(path, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_a_plan_that_changed_is_the_plan_that_counts(
    client: AsyncClient, alice: Person, factory: Factory, summary: dict[str, Any]
) -> None:
    path = f"{PATH}/{summary['id']}"
    assert (await warmed(client, path, alice.headers)).headers["x-ratelimit-limit"] == "100"
    await factory.enlarge(alice)
    await asyncio.sleep(1.05)
    assert (await client.get(path, headers=alice.headers)).headers["x-ratelimit-limit"] == "10000"


async def test_the_log_line_of_a_refusal_names_the_route_too(
    app: FastAPI, alice: Person, summary: dict[str, Any]
) -> None:
    path, scopes, statuses = f"{PATH}/{summary['id']}", list[Scope](), list[int]()

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with caller(keeping) as kept:
        while 429 not in statuses:
            statuses.append((await kept.get(path, headers=alice.headers)).status_code)
    assert {describe(scope)["route"] for scope in scopes} == {f"{PATH}/{{summary_id}}"}


async def test_its_log_line_names_the_route_and_the_caller(
    app: FastAPI, alice: Person, summary: dict[str, Any]
) -> None:
    path, scopes = f"{PATH}/{summary['id']}", list[Scope]()

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with caller(keeping) as kept:
        await warmed(kept, path, alice.headers)
    first, last = describe(scopes[0]), describe(scopes[-1])
    assert first == last
    assert last["route"] == f"{PATH}/{{summary_id}}"
    assert last["session_id"] == str(alice.session_id)
