"""A refresh that is answered before routing is answered as the route would."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from starlette.types import Message, Receive, Scope, Send

from app.core.middleware.access_log import describe
from tests.auth.traces import rotated_before
from tests.early import caller
from tests.factories import Factory, Person
from tests.measured import judged
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/refresh"
JSON = {"Content-Type": "application/json"}
# What differs from one answer to the next.
PASSING = {
    *("x-request-id", "date", "content-length"),
    *("ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"),
}


def asked(token: str) -> dict[str, dict[str, Any]]:
    """Any: keyword arguments of a request."""
    body = f'{{"refresh_token": "{token}"}}'
    sent = {"content": body, "headers": JSON}
    return {
        "current": sent,
        "spent": sent,
        "ended": sent,
        "garbage": {**sent, "content": '{"refresh_token": "rt1_x"}'},
        "no JSON": {**sent, "content": "{"},
        "not UTF-8": {**sent, "content": b'{"refresh_token": "\xff"}'},
        "deep": {**sent, "content": "[" * 100_000},
        "nothing": {**sent, "content": ""},
        "a list": {**sent, "content": "[]"},
        "more": {**sent, "content": body[:-1] + ', "x": 1}'},
        "twice": {**sent, "content": body[:-1] + ', "refresh_token": "rt1_y"}'},
        "too long": {**sent, "content": f'{{"refresh_token": "{"x" * 4097}"}}'},
        "unstorable": {**sent, "content": '{"refresh_token": "\\ud800"}'},
        "text": {**sent, "headers": {"Content-Type": "text/plain"}},
        "charset": {**sent, "headers": {"Content-Type": "application/json; charset=utf-8"}},
        "untold": {"content": body},
        "query": {**sent, "params": {"x": "1"}},
        "long key": {**sent, "headers": {**JSON, "Idempotency-Key": "x" * 256}},
        "two keys": {**sent, "headers": [*JSON.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]},
    }


def said(answer: Response) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    body = answer.json()
    told = {name: len(value) if name.endswith("_token") else value for name, value in body.items()}
    headers = [(name, value) for name, value in answer.headers.items() if name not in PASSING]
    return answer.status_code, headers, {**told, "request_id": None}


async def test_every_variant_is_answered_as_the_route_answers_it(
    app: FastAPI, routes_only: FastAPI, factory: Factory, database_urls: DatabaseUrls
) -> None:
    answers = []
    for number, each in enumerate((app, routes_only)):
        person = await factory.person(f"person{number}")
        async with caller(each) as client:
            said_by = {}
            for name, request in asked(person.refresh_token).items():
                said_by[name] = said(await client.post(URL, **request))
                await rotated_before(database_urls)
            answers.append(said_by)
    for name, early in answers[0].items():
        assert early == answers[1][name], name
    assert [answers[0][name][0] for name in ("current", "spent", "ended")] == [200, 401, 401]


async def test_a_retry_is_told_as_the_route_tells_it(
    app: FastAPI, routes_only: FastAPI, factory: Factory, database_urls: DatabaseUrls
) -> None:
    told = []
    for number, each in enumerate((app, routes_only)):
        person = await factory.person(f"person{number}")
        async with caller(each) as client:
            for _ in range(2):
                sent = {"refresh_token": person.refresh_token}
                answer = await client.post(URL, json=sent, headers={"Idempotency-Key": '"k"'})
                await rotated_before(database_urls)
            told.append(said(answer))
    assert told[0] == told[1]
    assert ("x-refresh-reused", "retry") in told[0][1]


async def test_other_methods_are_refused_as_ever(client: AsyncClient) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, URL, headers=JSON)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_a_body_in_pieces_is_the_routes(client: AsyncClient, alice: Person) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"refresh_token":'
        yield f'"{alice.refresh_token}"}}'.encode()

    answer = await client.post(URL, content=pieces(), headers=JSON)
    assert answer.status_code == 200


async def test_each_is_counted_once_early_or_not(client: AsyncClient, alice: Person) -> None:
    before, token, left = judged("refresh", "accepted"), alice.refresh_token, []
    for kind in ("application/json", "application/json; charset=utf-8", "application/json"):
        answer = await client.post(
            URL, content=f'{{"refresh_token": "{token}"}}', headers={"Content-Type": kind}
        )
        left.append(int(answer.headers["x-ratelimit-remaining"]))
        token = answer.json()["refresh_token"]
    # A hit of thirty a minute comes back meanwhile at most.
    assert left[0] - left[-1] in {1, 2}
    assert judged("refresh", "accepted") == before + 3


async def test_its_log_line_is_the_routes(app: FastAPI, routes_only: FastAPI) -> None:
    lines = []
    for each in (app, routes_only):
        scopes = list[Scope]()

        async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)  # noqa: B023  # used within this turn
            await each(scope, receive, send)  # noqa: B023  # as above

        async with caller(keeping) as client:
            await client.post(URL, json={"refresh_token": "rt1_x"})
        lines.append(describe(scopes[0]))
    assert lines[0] == lines[1]
    assert (lines[0]["route"], lines[0]["code"]) == (URL, "invalid_refresh_token")


async def test_a_body_that_is_held_back_did_not_arrive_before_the_rotation(
    app: FastAPI, client: AsyncClient, alice: Person
) -> None:
    """Sent whole, but not yet told to be all: whoever waited with it is no loser of a race."""
    body = f'{{"refresh_token": "{alice.refresh_token}"}}'.encode()
    begun, rotated, sent = asyncio.Event(), asyncio.Event(), list[Message]()

    async def held_back() -> Message:
        begun.set()
        await rotated.wait()
        return {"type": "http.request", "body": body, "more_body": True}

    async def keep(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), *((k.lower().encode(), v.encode()) for k, v in JSON.items())]
    headers.append((b"content-length", str(len(body)).encode()))
    scope = {"type": "http", "method": "POST", "path": URL, "query_string": b"", "headers": headers}
    scope |= {"scheme": "http", "client": ("127.0.0.1", 1), "http_version": "1.1", "root_path": ""}
    thief = asyncio.create_task(app(scope, held_back, keep))
    await begun.wait()
    assert (await client.post(URL, json={"refresh_token": alice.refresh_token})).status_code == 200
    # As in test_refresh: when a token arrived is a lower bound.
    await asyncio.sleep(1)
    rotated.set()
    await thief
    assert sent[0]["status"] == 401
    assert b"token_reused" in sent[1]["body"]
