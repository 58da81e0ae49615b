"""Idempotency-Key: a retry is answered as the first request was, and makes nothing."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import Scope
from tests.auth.test_refresh import refresh
from tests.auth.traces import bearer
from tests.factories import Factory, Person, Robot
from tests.idempotency.posting import KEY, KEYS, SUMMARIES, assert_replay, count, post
from tests.site_map import BODIES

pytestmark = pytest.mark.integration

CREATING: list[tuple[str, str]] = [
    (SUMMARIES, "summaries"),
    (KEYS, "api_keys"),
    ("/api/v1/api-keys/generate", "api_keys"),
    ("/api/v1/organizations/{organization_id}/invitations", "invitations"),
]


@pytest.mark.parametrize(("path", "table"), CREATING)
async def test_a_retry_gets_the_same_answer_and_makes_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, factory: Factory, path: str, table: str
) -> None:
    await factory.share(alice.organization_id)
    body = BODIES.get(("POST", path), {}).get("json")
    where = path.format(organization_id=alice.organization_id)
    first = await post(client, alice, body, path=where)
    again = await post(client, alice, body, path=where)
    assert first.is_success
    assert_replay(first, again)
    assert await count(app, alice, table) == 1


async def test_an_organisation_is_made_once(client: AsyncClient, alice: Person) -> None:
    path = "/api/v1/organizations"
    first, again = [await post(client, alice, {"name": "Lab"}, path=path) for _ in range(2)]
    assert_replay(first, again)
    assert len((await client.get(path, headers=alice.headers)).json()["items"]) == 2


async def test_a_rotation_is_done_once(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    made = (await client.post(KEYS, json={"name": "k"}, headers=alice.headers)).json()
    path = f"{KEYS}/{made['id']}/rotate"
    first, again = [await post(client, alice, {"overlap_seconds": 60}, path=path) for _ in range(2)]
    assert_replay(first, again)
    assert first.headers["Location"].endswith(f"{KEYS}/{first.json()['id']}")
    assert await count(app, alice, "api_keys") == 2


async def test_quoted_and_bare_are_the_same_key(client: AsyncClient, alice: Person) -> None:
    first = await post(client, alice, key='"one"')
    assert_replay(first, await post(client, alice, key="one"))


async def test_another_person_with_the_same_key_is_another_matter(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, robot: Robot, app: FastAPI
) -> None:
    ids = {(await post(client, person)).json()["id"] for person in (alice, bob, charlie, robot)}
    assert len(ids) == 4
    assert await count(app, alice, "summaries") == 3


async def test_a_new_login_of_the_same_person_is_the_same_principal(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    first = await post(client, alice)
    later = await factory.with_scopes(alice, Scope.SUMMARIES_WRITE)
    assert_replay(first, await post(client, later))


async def test_a_secret_is_repeated_after_a_refresh_and_to_a_new_login_of_the_same_scopes(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    first = await post(client, alice, {"name": "k"}, path=KEYS)
    pair = await refresh(client, alice.refresh_token)
    refreshed = await client.post(KEYS, json={"name": "k"}, headers={**bearer(pair), **KEY})
    assert_replay(first, refreshed)
    later = await factory.with_scopes(alice, *map(Scope, pair.json()["scope"].split()))
    assert_replay(first, await post(client, later, {"name": "k"}, path=KEYS))


async def test_the_same_key_at_another_address_is_another_key(client: AsyncClient, alice: Person) -> None:
    await post(client, alice)
    answer = await post(client, alice, {"name": "k"}, path=KEYS)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
