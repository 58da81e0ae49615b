"""Idempotency-Key: what is refused, and what is tried again."""

import logging

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import Scope
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.idempotency.posting import BODY, KEY, KEYS, SUMMARIES, count, post
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


async def test_without_a_credential_a_key_is_no_key(client: AsyncClient) -> None:
    assert (await client.post(SUMMARIES, json=BODY, headers=KEY)).status_code == 401


@pytest.mark.parametrize("key", ["", '"a', "a b", "a" * 300, "a, b"])
async def test_a_key_that_cannot_be_read_is_refused(client: AsyncClient, alice: Person, key: str) -> None:
    answer = await client.post(SUMMARIES, json=BODY, headers={**alice.headers, "Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")


async def test_two_keys_are_refused(client: AsyncClient, alice: Person) -> None:
    headers = [*alice.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post(SUMMARIES, json=BODY, headers=headers)
    assert answer.json()["code"] == "idempotency_key_malformed"


async def test_another_body_under_the_same_key_is_422(client: AsyncClient, alice: Person) -> None:
    await post(client, alice)
    answer = await post(client, alice, {"text": "Another text altogether."})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_replay_needs_the_scope_still(client: AsyncClient, alice: Person, factory: Factory) -> None:
    await post(client, alice, {"name": "k"}, path=KEYS)
    reader = await factory.with_scopes(alice, Scope.KEYS_READ)
    assert (await post(client, reader, {"name": "k"}, path=KEYS)).status_code == 403


async def test_a_key_of_more_scopes_is_not_repeated_to_a_session_of_fewer(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    """It may make keys, but none with more than it has itself."""
    narrow = await factory.with_scopes(alice, Scope.KEYS_WRITE)
    first = await post(client, alice, {"name": "k"}, path=KEYS)
    rotate = f"{KEYS}/{first.json()['id']}/rotate"
    for path, body in ((KEYS, {"name": "k"}), (f"{KEYS}/generate", None), (rotate, {"overlap_seconds": 60})):
        made = first if path == KEYS else await post(client, alice, body, path=path)
        answer = await post(client, narrow, body, path=path)
        assert (made.is_success, answer.status_code) == (True, 422), path
        assert answer.json()["code"] == "idempotency_key_reused"


async def test_what_was_refused_is_tried_again(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    refused = await post(client, alice, {"url": "ftp://example.com"})
    assert refused.status_code == 422
    assert "Idempotent-Replayed" not in refused.headers
    assert (await post(client, alice)).status_code == 202
    assert await count(app, alice, "summaries") == 1


async def test_a_failure_keeps_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    """The row of the answer cannot be written: then what it tells of is not done either."""
    await ask(database_urls.superuser, "ALTER TABLE idempotency_keys ADD CONSTRAINT no CHECK (false)")
    logging.disable(logging.CRITICAL)
    answers = [await post(client, alice), await post(client, alice, {"name": "k"}, path=KEYS)]
    logging.disable(logging.NOTSET)
    assert [answer.status_code for answer in answers] == [500, 500]
    assert await count(app, alice, "summaries") == await count(app, alice, "api_keys") == 0
    await ask(database_urls.superuser, "ALTER TABLE idempotency_keys DROP CONSTRAINT no")
    assert (await post(client, alice)).status_code == 202
