"""API keys: made by people, shown once, never more than their maker."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import update

from app.api_keys.models import ApiKey
from app.core.api_key_format import generate_api_key
from app.core.db import Tenant
from app.core.ids import new_id
from tests.api_keys.keys import make
from tests.auth.test_login import deactivate
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration

URL = "/api/v1/api-keys"
ME = "/api/v1/users/me"


async def test_a_key_cannot_make_keys(client: AsyncClient, robot: Robot) -> None:
    answer = await client.post(URL, headers=robot.headers, json={"name": "more"})
    assert answer.status_code == 403


async def test_a_key_without_the_scope_cannot_list_keys(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.robot(alice, scopes=["profile:read"])
    answer = await client.get(URL, headers=narrow.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_key_with_the_scope_may_watch_when_keys_expire(client: AsyncClient, robot: Robot) -> None:
    answer = await client.get(URL, headers=robot.headers)
    assert [item["prefix"] for item in answer.json()["items"]] == [robot.api_key[:12]]


@pytest.mark.parametrize("scope", ["admin", "profile:write", "keys:write"])
async def test_a_scope_that_no_key_may_have_is_refused(
    client: AsyncClient, alice: Person, scope: str
) -> None:
    answer = await client.post(URL, headers=alice.headers, json={"name": "k", "scopes": [scope]})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_grantable")


@pytest.mark.parametrize("days", [-1, 400])
async def test_an_expiry_in_the_past_or_beyond_a_year_is_422(
    client: AsyncClient, alice: Person, days: int
) -> None:
    moment = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    answer = await client.post(URL, headers=alice.headers, json={"name": "k", "expires_at": moment})
    assert answer.json()["errors"][0]["pointer"] == "/expires_at"


async def test_the_fifty_first_key_is_a_conflict(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        session.add_all(
            ApiKey(
                organization_id=alice.organization_id,
                user_id=alice.user_id,
                name="bulk",
                prefix="prc_live_",
                digest=bytes([number]) * 32,
                scopes=[],
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
            for number in range(49)
        )
    answer = await client.post(URL, headers=alice.headers, json={"name": "k"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_api_keys")
    assert robot.user_id == alice.user_id


async def test_the_list_is_paged_newest_first(client: AsyncClient, alice: Person, bob: Person) -> None:
    made = [(await make(client, alice, name=f"key {n}"))["id"] for n in range(3)]
    first = (await client.get(URL, headers=alice.headers, params={"limit": 2})).json()
    assert ([key["id"] for key in first["items"]], first["has_more"]) == ([made[2], made[1]], True)
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    last = (await client.get(URL, headers=alice.headers, params=rest)).json()
    assert ([key["id"] for key in last["items"]], last["next_cursor"]) == ([made[0]], None)
    foreign = await client.get(URL, headers=bob.headers, params=rest)
    assert (foreign.status_code, foreign.json()["code"]) == (422, "invalid_cursor")


async def test_another_persons_key_is_not_there(client: AsyncClient, alice: Person, bob: Person) -> None:
    made = (await client.post(URL, headers=alice.headers, json={"name": "k"})).json()
    foreign = await client.delete(f"{URL}/{made['id']}", headers=bob.headers)
    missing = await client.delete(f"{URL}/{new_id()}", headers=bob.headers)
    assert foreign.status_code == missing.status_code == 404
    assert (await client.get(URL, headers=bob.headers)).json()["items"] == []


async def test_a_well_formed_key_that_never_was_is_401(client: AsyncClient) -> None:
    assert (await client.get(ME, headers={"X-API-Key": generate_api_key()})).status_code == 401


async def test_a_key_with_a_typing_error_is_401(client: AsyncClient, robot: Robot) -> None:
    mistyped = robot.api_key[:-1] + ("a" if robot.api_key[-1] != "a" else "b")
    answer = await client.get(ME, headers={"X-API-Key": mistyped})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")


async def test_a_revoked_key_is_refused(client: AsyncClient, alice: Person) -> None:
    made = (await client.post(URL, headers=alice.headers, json={"name": "k"})).json()
    key = {"X-API-Key": made["api_key"]}
    assert (await client.get(ME, headers=key)).status_code == 200
    assert (await client.delete(f"{URL}/{made['id']}", headers=alice.headers)).status_code == 204
    assert (await client.get(ME, headers=key)).status_code == 401


async def test_an_expired_key_is_refused(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(update(ApiKey).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert (await client.get(ME, headers=robot.headers)).status_code == 401


async def test_a_key_of_an_inactive_owner_is_refused(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await deactivate(app, alice)
    assert (await client.get(ME, headers=robot.headers)).status_code == 401


async def test_the_key_is_shown_once_and_works_as_bearer_too(client: AsyncClient, alice: Person) -> None:
    made = await client.post(URL, headers=alice.headers, json={"name": "k", "scopes": ["profile:read"]})
    assert made.status_code == 201
    key = made.json()["api_key"]
    assert (await client.get(ME, headers={"Authorization": f"Bearer {key}"})).status_code == 200
    listed = await client.get(URL, headers=alice.headers)
    assert key not in listed.text
    assert listed.json()["items"][0]["prefix"] == key[:12]
    assert listed.json()["items"][0]["last_used_at"] is not None


async def test_a_keys_own_rate_limit_holds(client: AsyncClient, factory: Factory, alice: Person) -> None:
    slow = await factory.robot(alice, rate_limit=2)
    codes = [(await client.get(ME, headers=slow.headers)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
