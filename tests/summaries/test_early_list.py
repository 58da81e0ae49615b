"""A list that is answered before routing is answered as the route would; its rows are rendered once."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import update
from starlette.types import Receive, Scope, Send

from app.core.db import Database
from app.core.middleware.access_log import describe
from app.core.principal import Scope as Permission
from app.core.schemas import Page
from app.summaries.models import Summary
from app.summaries.schemas import SummaryItem
from app.summaries.vocabulary import Status
from tests.early import Asked, caller, round_trips, said, warmed
from tests.factories import Factory, Person, Robot
from tests.statements import statements_of
from tests.summaries.shelf import PATH, create, set_columns
from tests.test_isolation import tenant_of

pytestmark = pytest.mark.integration
COUNT = f"{PATH}/count"
WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)
AWKWARD = 'a "quote", \\, </script>, \x7f \x01 \t\r\n \u2028 \U0001f309 é'
NARROWED = [
    *("status=ready", "status=failed&limit=1", "status=done", "status=ready&status=ready", "status=READY"),
    *("visibility=organization&sort=created_at", "visibility=private&limit=2", "visibility="),
    *("favourite=true", "favourite=false&limit=3", "favourite=1", "favourite=yes&archived=any"),
    *("archived=any", "archived=true&sort=-created_at", "archived=false", "archived=no"),
    *("sort=created_at&limit=2", "sort=title", "sort=relevance", "status=ready&", "&&"),
    *("created_after=2020-01-01T00:00:00Z", "status=ready&x=1", "sort=created_at&sort=created_at", "status"),
]
WORDS = [
    *("q=bridge", "q=quote", "q=quote&sort=relevance", "q=quote&limit=1", "q=&sort=relevance", "q=the+quote"),
    *("q=%22a+quote%22+-bridge", "q=%C3%A9", "q=%e9", "q=%00", "q=%22quote", "q=a%26b", "q=a;b", "q=%"),
    *(
        "q=%zz",
        "q=e%CC%81",
        "tag=e%CC%81",
        f"tag={'e%CC%81' * 50}",
        f"tag={'%E0%A5%98' * 50}",
        "q=%ED%A0%80",
        "%71=quote",
    ),
    *("q=a&q=b", "Q=a", "q", "q=tag:", "q=tag:x+site:example.com", "q=no:such", "q=-quote", "q=%2B", "q=a=b"),
    *("q=status:failed&status=ready", "q=is:archived", "q=is:archived&archived=false", "q=before:2020"),
    *(f"q={'a' * 400}", f"q={'a' * 401}", f"q={'%61' * 200}", "q=" + "a+" * 40),
    *("tag=x", "tag=", f"tag={'x' * 51}", "tag=%00", "tag=x&tag=y", "tag=a+b&q=quote", "tag=%C3%A9"),
    *("site=example.com", "site=EXAMPLE.com", "site=%2e", "site=a%20b", f"site={'a' * 254}"),
]
AT_MOST = [
    *("at_most=2", "at_most=10000", "at_most=10001", "at_most=0", "at_most=-1", "at_most=02", "at_most=x"),
    *("at_most=", "at_most", "at_most=2&at_most=3", "at_most=100000", "at_most=2&limit=1", "%61t_most=2"),
    *("q=quote&at_most=1", "at_most=1&q=quote&status=ready", "favourite=true&at_most=1", "q=&at_most=1"),
    *("created_after=2020-01-01T00:00:00Z&at_most=2", "status=queued&at_most=1", "sort=created_at&at_most=2"),
]
STATES: dict[str, dict[str, Any]] = {  # Any: columns
    **{status: {"status": status} for status in Status},
    "told": {
        **dict.fromkeys(("title", "author", "site_name", "summary", "notes"), AWKWARD),
        **dict.fromkeys(("published_at", "refreshed_at"), WHEN),
        "url": "https://example.com/?a=1&b=2",
        "tags": [AWKWARD],
        "sentences": [{"text": AWKWARD, "start": 0, "end": 5, "weight": 2}],
        "usage": {"total": 3, "prompt": 2},
        "stages": {"fetch": 12, "extract": 3},
        "options": {"style": "bullets", "length": "short"},
        "reading_minutes": 1.0,
        "engine": "provider",
        "fallback_reason": "provider_timeout",
        "visibility": "organization",
        "favourite": True,
    },
    "failed before": {"status": "failed", "failure_reason": "timeout", "failure_retryable": False},
    "failed": {"status": "failed", "failure_reason": "dns", "failure_retryable": None},
}


@pytest.fixture
async def shelf(client: AsyncClient, app: FastAPI, alice: Person) -> list[str]:
    """One in every state that a row can be in."""
    ids = [(await create(client, alice))["id"] for _ in STATES]
    for summary_id, columns in zip(ids, STATES.values(), strict=True):
        await set_columns(app, alice, summary_id, **columns)
    return ids


@pytest.fixture
async def unhurried(shelf: list[str], alice: Person, factory: Factory) -> Person:
    """Alice, with a larger limit, of which each process knows by now."""
    del shelf
    await factory.enlarge(alice)
    await asyncio.sleep(1.05)
    return alice


async def titles(client: AsyncClient, person: Person) -> list[str]:
    return [item["title"] for item in (await client.get(PATH, headers=person.headers)).json()["items"]]


def variants(cursor: str, alice: Person, robot: Robot) -> dict[str, Asked]:
    bearer = {"Authorization": f"Bearer {alice.access_token}"}
    return {
        "all": Asked(PATH, bearer),
        "so many": Asked(f"{PATH}?limit=2", bearer),
        "the next": Asked(f"{PATH}?limit=2&cursor={cursor}", bearer),
        "the next of so many": Asked(f"{PATH}?cursor={cursor}", bearer),
        "the other way round": Asked(f"{PATH}?cursor={cursor}&limit=2", bearer),
        "too many": Asked(f"{PATH}?limit=101", bearer),
        "none": Asked(f"{PATH}?limit=0", bearer),
        "another's cursor": Asked(f"{PATH}?limit=2&cursor={cursor[:-1]}", bearer),
        **{query: Asked(f"{PATH}?{query}", bearer) for query in (*NARROWED, *WORDS)},
        "unknown parameter": Asked(f"{PATH}?limit=2&x=1", bearer),
        "empty query": Asked(f"{PATH}?", bearer),
        "slash": Asked(f"{PATH}/?limit=2", bearer),
        "API key": Asked(f"{PATH}?limit=2", robot.headers),
        "both": Asked(PATH, {**bearer, **robot.headers}),
        "empty key": Asked(PATH, {"X-API-Key": ""}),
        "nobody": Asked(PATH, {}),
        "garbage": Asked(PATH, {"Authorization": "Bearer not.a.token"}),
        "HEAD": Asked(f"{PATH}?limit=2", bearer, "HEAD"),
        "OPTIONS": Asked(PATH, bearer, "OPTIONS"),
        "condition": Asked(PATH, {**bearer, "If-None-Match": "*"}),
        "gzip": Asked(PATH, {**bearer, "Accept-Encoding": "gzip"}),
        "identity": Asked(PATH, {**bearer, "Accept-Encoding": "identity"}),
    }


async def test_every_variant_is_answered_as_the_route_answers_it(
    app: FastAPI, routes_only: FastAPI, unhurried: Person, robot: Robot
) -> None:
    async with caller(app) as early, caller(routes_only) as routed:
        cursor = (await warmed(early, f"{PATH}?limit=2", unhurried.headers)).json()["next_cursor"]
        await warmed(early, PATH, robot.headers)
        for name, asked in variants(cursor, unhurried, robot).items():
            answers = [
                said(await each.request(asked.method, asked.path, headers=asked.headers))
                for each in (early, routed)
            ]
            assert answers[0] == answers[1], name
            assert answers[0][0] != 429


@pytest.mark.parametrize("queries", [["", "limit=2", *NARROWED], WORDS, AT_MOST])
async def test_every_count_is_the_one_that_the_route_answers(
    app: FastAPI, routes_only: FastAPI, unhurried: Person, queries: list[str]
) -> None:
    async with caller(app) as early, caller(routes_only) as routed:
        await warmed(early, COUNT, unhurried.headers)
        for query in queries:
            path = f"{COUNT}?{query}"
            answers = [said(await each.get(path, headers=unhurried.headers)) for each in (early, routed)]
            assert answers[0] == answers[1], query
            assert answers[0][0] != 429


@pytest.mark.usefixtures("remembered", "shelf")
@pytest.mark.parametrize(
    "asked", [f"{PATH}?q=quote", f"{PATH}?tag=x", COUNT, f"{COUNT}?q=quote", f"{COUNT}?q=quote&at_most=1"]
)
async def test_a_search_and_a_count_are_one_statement_and_one_question_to_redis(
    client: AsyncClient, app: FastAPI, alice: Person, asked: str
) -> None:
    await warmed(client, PATH, alice.headers)
    before = await round_trips(app.state.redis)
    async with statements_of(app) as statements:
        assert (await client.get(asked, headers=alice.headers)).status_code == 200
    assert len(statements) == 1
    # The question how many there were is one too.
    assert await round_trips(app.state.redis) - before == 2


async def test_a_page_is_to_the_byte_what_its_model_renders(
    client: AsyncClient, alice: Person, shelf: list[str]
) -> None:
    for query in ("", "?limit=3", "?q=is:favourite", "?q=quote"):
        for _ in range(2):
            answer = await client.get(PATH + query, headers=alice.headers)
            page = Page[SummaryItem].model_validate_json(answer.content)
            assert page.model_dump_json().encode() == answer.content
    whole = (await client.get(PATH, headers=alice.headers)).json()
    assert [item["id"] for item in whole["items"]] == shelf[::-1]
    assert {item["title"] for item in whole["items"]} == {None, AWKWARD}


@pytest.mark.usefixtures("remembered", "shelf")
async def test_a_page_that_was_seen_is_one_statement_and_one_question_to_redis(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for expected in (2, 1):
        async with statements_of(app) as statements:
            await client.get(PATH, headers=alice.headers)
        assert sum("summaries" in statement for statement in statements) == expected
    later = (await client.get(f"{PATH}?limit=3", headers=alice.headers)).links["next"]["url"]
    async with statements_of(app) as statements:
        assert (await client.get(later, headers=alice.headers)).status_code == 200
    assert sum("summaries" in statement for statement in statements) == 1
    before = await round_trips(app.state.redis)
    await client.get(PATH, headers=alice.headers)
    # The question how many there were is one too.
    assert await round_trips(app.state.redis) - before == 2


async def test_whoever_writes_a_row_its_next_list_has_it(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    """Its version says nothing of it here: no code of ours has to remember that there is a memory."""
    database: Database = app.state.database
    one = (await create(client, alice))["id"]
    for title in ("first", "second", "first"):
        await set_columns(app, alice, one, title=title)
        assert await titles(client, alice) == [title]
        async with database.transaction(tenant_of(alice)) as session:
            for unseen in ("third", "fourth"):
                await session.execute(update(Summary).where(Summary.id == UUID(one)).values(title=unseen))
            assert await titles(client, alice) == [title]
        assert await titles(client, alice) == ["fourth"]


async def test_what_is_remembered_for_one_reader_is_shown_to_no_other(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    for title in ("mine", "ours"):
        visibility = "organization" if title == "ours" else "private"
        await create(client, alice, title=title, visibility=visibility)
    for _ in range(2):
        seen = [await titles(client, person) for person in (alice, bob, charlie)]
        assert seen == [["ours", "mine"], ["ours"], []]
    shared = (await client.get(PATH, headers=bob.headers)).json()["items"][0]["id"]
    await set_columns(app, alice, shared, visibility="private")
    assert await titles(client, bob) == []
    await set_columns(app, alice, shared, deleted_at=WHEN)
    assert await titles(client, alice) == ["mine"]


async def test_a_token_without_the_scope_is_refused(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    await warmed(client, PATH, alice.headers)
    other = await factory.with_scopes(alice, Permission.PROFILE_READ)
    answer = await warmed(client, PATH, other.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_session_that_ended_lists_nothing_more(client: AsyncClient, alice: Person) -> None:
    assert (await warmed(client, PATH, alice.headers)).status_code == 200
    token = {"refresh_token": alice.refresh_token}
    assert (await client.post("/api/v1/auth/logout", json=token, headers=alice.headers)).is_success
    answer = await client.get(PATH, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_each_request_is_counted_once_early_or_not(client: AsyncClient, alice: Person) -> None:
    left = [
        int((await client.get(PATH + query, headers=alice.headers)).headers["x-ratelimit-remaining"])
        for query in ("", "", "?limit=2", "?status=ready", "")
    ]
    # A hit of a hundred a minute comes back meanwhile at most.
    assert left[0] - left[-1] in {3, 4}


async def test_its_log_line_is_the_routes(app: FastAPI, alice: Person) -> None:
    scopes, statuses = list[Scope](), list[int]()

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with caller(keeping) as kept:
        while 429 not in statuses:
            statuses.append((await kept.get(PATH, headers=alice.headers)).status_code)
    first, *between, last = [describe(scope) for scope in scopes]
    assert all(each == first for each in between)
    assert first["route"] == PATH
    assert last == {**first, "code": "rate_limited"}
