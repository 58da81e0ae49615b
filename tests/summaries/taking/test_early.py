"""A submission that is answered before routing is answered as the route would."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import select
from starlette.types import Receive, Scope, Send

from app.core.db import Tenant
from app.core.middleware.access_log import describe
from app.core.principal import Scope as Permission
from app.organizations.usage.models import UsageMonth
from tests.early import caller, round_trips
from tests.factories import Factory, Person, Robot
from tests.idempotency.posting import assert_replay
from tests.measured import value
from tests.statements import WAKE, statements_of
from tests.summaries.shelf import PATH
from tests.summaries.test_taking_in import count, spend

pytestmark = pytest.mark.integration
BODY = {"url": "https://example.com/a", "title": "A"}
JSON = {"Content-Type": "application/json"}
# Of two requests one after the other these differ anyhow.
PASSING = {"x-request-id", "date", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}
# In which watchers and workers have been told of it, for which nobody waits.
SAID_SECONDS = 0.2
# Spelled as the answer spells its times before it knows them.
AHEAD = '"created_at":"0001-01-01T00:00:00Z","updated_at":"0001-01-01T00:00:00Z"'


@pytest.fixture
async def known(client: AsyncClient, factory: Factory, alice: Person) -> Person:
    """Alice, as this process has met her; no plan is in her way."""
    await factory.enlarge(alice)
    await client.get(PATH, headers=alice.headers)
    return alice


BODIES: dict[str, Any] = {  # Any: JSON
    "plain": BODY,
    "text": {"text": "It rained."},
    "html": {"html": "<p>It rained.", "url": "https://example.com"},
    "all": {
        **BODY,
        "tags": ["a"],
        "notes": "n",
        "language": "de",
        "style": "bullets",
        "length": {"words": 30},
    },
    "no source": {},
    "bad URL": {"url": "ftp://a"},
    "unknown": {**BODY, "x": 1},
    "a list": [],
    "equal": {**BODY, "on_duplicate": "return"},
    "flag as text": {**BODY, "store": "no"},
    "flag as number": {**BODY, "store": 0},
    "number as text": {**BODY, "length": {"words": "50"}},
    "bad callback": {**BODY, "callback": "http://a b"},
    "too large": {"text": "a" * (1024 * 1024 + 1)},
}


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Any: keyword arguments of a request."""
    for name, body in BODIES.items():
        yield name, {"json": body}
    text = b'{"text":"a"}'
    yield "not JSON", {"content": "{", "headers": JSON}
    yield "charset", {"content": text, "headers": {"Content-Type": "application/json; charset=utf-8"}}
    yield "no type", {"content": text}
    yield "query", {"json": BODY, "params": {"x": "1"}}
    yield "waits not", {"json": BODY, "headers": {"Prefer": "wait=0"}}


def keyed() -> Iterator[tuple[str, dict[str, Any]]]:
    """Any: as above. Each is sent twice."""
    for key in ('"k{}"', "k{}", '"', "a b", "x" * 256 + "{}", "x" * 1001):
        yield f"key {key[:9]}", {"json": BODY, "headers": {"Idempotency-Key": key}}


def said(answer: Response) -> tuple[int, dict[str, str], dict[str, Any]]:  # Any: JSON
    body = answer.json()
    passing = {name: name in body for name in ("id", "request_id", "created_at", "updated_at")}
    headers = {name: text for name, text in answer.headers.items() if name not in PASSING}
    headers["location"] = headers.get("location", "").replace(str(body.get("id")), "")
    return answer.status_code, headers, {**body, **passing}


def of(sent: dict[str, Any], credential: dict[str, str], number: int) -> dict[str, Any]:  # Any: as above
    """The keys of each app are its own: both write into one database."""
    headers = {name: text.format(number) for name, text in sent.get("headers", {}).items()}
    return {**sent, "headers": {**headers, **credential}}


@pytest.mark.parametrize("kind", ["person", "robot"])
async def test_every_variant_is_answered_as_the_route_answers_it(
    app: FastAPI, routes_only: FastAPI, known: Person, robot: Robot, kind: str
) -> None:
    credential = known.headers if kind == "person" else robot.headers
    async with caller(app) as early, caller(routes_only) as routed:
        await early.get(PATH, headers=credential)
        for name, sent in (*requests(), *keyed(), *keyed()):
            answers = [
                said(await each.post(PATH, **of(sent, credential, number)))
                for number, each in enumerate((early, routed))
            ]
            assert answers[0] == answers[1], name


@pytest.mark.parametrize(
    "headers",
    [
        *({}, {"Authorization": "Bearer not.a.token"}, {"Authorization": "Basic YTpi"}),
        *({"X-API-Key": "nothing"}, {"X-API-Key": ""}),
    ],
)
async def test_who_may_not_is_refused_as_the_route_refuses(
    app: FastAPI, routes_only: FastAPI, known: Person, headers: dict[str, str]
) -> None:
    async with caller(app) as early, caller(routes_only) as routed:
        answers = [said(await each.post(PATH, json=BODY, headers=headers)) for each in (early, routed)]
        both = {**known.headers, "X-API-Key": "x"}
        answers += [said(await each.post(PATH, json=BODY, headers=both)) for each in (early, routed)]
    assert (answers[0], answers[2]) == (answers[1], answers[3])
    assert (answers[0][0], answers[2][0]) == (401, 400)


async def test_a_token_without_the_scope_is_refused_where_all_is_warm(
    client: AsyncClient, known: Person, factory: Factory
) -> None:
    reader = await factory.with_scopes(known, Permission.SUMMARIES_READ)
    await client.get(PATH, headers=reader.headers)
    answer = await client.post(PATH, json=BODY, headers=reader.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.usefixtures("remembered")
async def test_it_asks_redis_once_and_tells_it_once_and_postgresql_once(
    client: AsyncClient, app: FastAPI, known: Person
) -> None:
    await client.post(PATH, json=BODY, headers=known.headers)
    await asyncio.sleep(SAID_SECONDS)
    async with statements_of(app) as statements:
        before = await round_trips(app.state.redis)
        await client.post(PATH, json=BODY, headers={**known.headers, "Idempotency-Key": "k"})
        await asyncio.sleep(SAID_SECONDS)
    # The question how many there were is one too.
    assert await round_trips(app.state.redis) - before == 3
    taken, woken = statements
    asked = "SELECT place, began, is_locked, fingerprint, answer, kept_at, ahead FROM accept_summaries"
    assert taken.partition("(")[0] == asked
    assert WAKE in woken


async def test_its_log_line_is_the_routes(app: FastAPI, routes_only: FastAPI, known: Person) -> None:
    scopes = list[Scope]()
    for each in (app, routes_only):

        async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await each(scope, receive, send)  # noqa: B023  # used within this turn

        async with caller(keeping) as client:
            await client.post(PATH, json=BODY, headers=known.headers)
    assert describe(scopes[0]) == describe(scopes[1])
    assert ["router" in scope for scope in scopes] == [False, True]


async def test_of_twenty_at_once_with_one_key_one_acts(
    client: AsyncClient, app: FastAPI, known: Person
) -> None:
    headers = {**known.headers, "Idempotency-Key": "once"}
    answers = await asyncio.gather(*(client.post(PATH, json=BODY, headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert await count(app, known, "summaries") == 1
    other = await client.post(PATH, json={"text": "Another."}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_one_that_died_before_it_answered_a_retry_hears_all(
    client: AsyncClient, app: FastAPI, known: Person
) -> None:
    """It is committed, and nobody hears of it."""
    desk = app.state.intake_desk

    class Deadly:
        def wake(self) -> None:
            raise asyncio.CancelledError

    app.state.intake_desk = replace(desk, waker=Deadly())
    headers = {**known.headers, "Idempotency-Key": "once"}
    with pytest.raises(asyncio.CancelledError):
        await client.post(PATH, json=BODY, headers=headers)
    app.state.intake_desk = desk
    first, again = [await client.post(PATH, json=BODY, headers=headers) for _ in range(2)]
    assert (first.headers["Idempotent-Replayed"], again.content) == ("true", first.content)
    read = await client.get(f"{PATH}/{first.json()['id']}", headers=known.headers)
    assert (read.json(), await count(app, known, "summaries")) == (first.json(), 1)


async def test_what_looks_like_a_time_to_be_filled_in_stays_what_its_user_wrote(
    client: AsyncClient, known: Person
) -> None:
    headers = {**known.headers, "Idempotency-Key": "once"}
    body = {"text": "a", "title": AHEAD, "notes": f"{{{AHEAD}}}", "tags": ["0001-01-01T00:00:00Z"]}
    first, again = [await client.post(PATH, json=body, headers=headers) for _ in range(2)]
    assert_replay(first, again)
    read = (await client.get(f"{PATH}/{first.json()['id']}", headers=known.headers)).json()
    assert first.json() == read
    assert all(read[name] == body[name] for name in ("title", "notes", "tags"))
    assert first.json()["created_at"] == first.json()["updated_at"] > "2026"


async def test_the_last_of_the_quota_is_taken_once(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await spend(app, alice, left=1)
    await client.get(PATH, headers=alice.headers)
    answers = await asyncio.gather(*(client.post(PATH, json=BODY, headers=alice.headers) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 403, 403, 403, 403]
    assert await count(app, alice, "summaries") == 1
    assert await count(app, alice, "procrastinate_jobs WHERE task_name = 'summaries.summarise'") == 1


async def test_one_that_its_owners_are_told_of_is_counted_and_limited_once(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await spend(app, alice, left=201)
    await client.get(PATH, headers=alice.headers)
    before = value("precis_ratelimit_checked_total", limit="summaries_create")
    assert (await client.post(PATH, json=BODY, headers=alice.headers)).status_code == 202
    assert value("precis_ratelimit_checked_total", limit="summaries_create") == before + 1
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        assert await session.scalar(select(UsageMonth.summaries)) == 800
    assert await count(app, alice, "audit_entries WHERE action = 'quota_warning'") == 1


async def test_the_limit_refuses_it_too(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await client.get(PATH, headers=alice.headers)
    answers = await asyncio.gather(*(client.post(PATH, json=BODY, headers=alice.headers) for _ in range(40)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.json()["code"] for answer in refused} == {"rate_limited"}
    assert await count(app, alice, "summaries") == 40 - len(refused) < 40


async def test_a_session_that_ended_submits_nothing_more(
    client: AsyncClient, app: FastAPI, known: Person
) -> None:
    assert (await client.post(PATH, json=BODY, headers=known.headers)).status_code == 202
    await client.post("/api/v1/auth/logout-all", headers=known.headers)
    assert (await client.post(PATH, json=BODY, headers=known.headers)).status_code == 401
    assert await count(app, known, "summaries") == 1
