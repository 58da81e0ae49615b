"""A key at the guard: what it is worth at this moment, on every worker, with Redis or without."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from app.core.api_key_format import digest
from app.core.db import Tenant
from app.core.principal import MembershipRole, StaffRole
from app.core.principal_cache import api_key_name
from app.settings import Settings
from tests.api_keys.keys import ME, URL, make, status_of
from tests.core.own_valkey import OwnValkey
from tests.factories import Factory, Person, Robot
from tests.fixtures import BASE_URL, make_app

pytestmark = pytest.mark.integration

SUMMARIES = "/api/v1/summaries"
TEXT = {"text": "A sentence to be summarised. " * 20}
# Which transaction wrote the row last: equal means that nothing was written.
ROW = "SELECT xmin::text AS written_by, last_used_at, host(last_used_ip) AS address FROM api_keys"
DEMOTE = "UPDATE memberships SET role = 'viewer' WHERE user_id = :user_id"
REMOVE = "DELETE FROM memberships WHERE user_id = :user_id AND organization_id = :organization_id"
MINUTE_AGO = "UPDATE api_keys SET last_used_at = now() - interval '61 seconds'"


@pytest.fixture
async def other_worker(settings: Settings, own_valkey: OwnValkey) -> AsyncIterator[FastAPI]:
    """Of the same fleet as `app` but for a Redis of its own, which may be killed."""
    alone = settings.model_copy(update={"redis_url": own_valkey.url})
    app = await asyncio.to_thread(make_app, alone)
    async with LifespanManager(app):
        yield app


def client_of(app: FastAPI, address: str = "127.0.0.1") -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app=app, client=(address, 50000)), base_url=BASE_URL)


async def execute(app: FastAPI, person: Person, statement: str) -> None:
    row = {"user_id": person.user_id, "organization_id": person.organization_id}
    needed = {name: value for name, value in row.items() if f":{name}" in statement}
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text(statement), needed)


async def row_of(app: FastAPI, person: Person) -> dict[str, Any]:  # Any: column values
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        return dict((await session.execute(text(ROW))).mappings().one())


async def forget(app: FastAPI, robot: Robot) -> None:
    """As after the second for which a key is remembered."""
    await app.state.principal_cache.forget(api_key_name(digest(robot.api_key)))


@pytest.mark.parametrize("fate", ["kill", "freeze"])
async def test_a_revoked_key_is_dead_within_two_seconds_on_a_worker_without_redis(
    client: AsyncClient, other_worker: FastAPI, own_valkey: OwnValkey, alice: Person, fate: str
) -> None:
    made = await make(client, alice)
    async with client_of(other_worker) as other:
        assert await status_of(other, made["api_key"]) == 200
        getattr(own_valkey, fate)()
        # Beyond the breaker's threshold, so that the process remembers by itself.
        assert {await status_of(other, made["api_key"]) for _ in range(8)} == {200}
        await client.delete(f"{URL}/{made['id']}", headers=alice.headers)
        await asyncio.sleep(2)
        assert await status_of(other, made["api_key"]) == 401


async def test_a_demoted_owners_key_loses_what_he_lost_within_two_seconds(
    client: AsyncClient, app: FastAPI, bob: Person
) -> None:
    made = await make(client, bob)
    key = {"X-API-Key": made["api_key"]}
    assert (await client.post(SUMMARIES, headers=key, json=TEXT)).status_code in {201, 202}
    await execute(app, bob, DEMOTE)
    await asyncio.sleep(2)
    refused = await client.post(SUMMARIES, headers=key, json=TEXT)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert (await client.get(SUMMARIES, headers=key)).status_code == 200


async def test_a_key_ends_with_its_owners_membership(client: AsyncClient, app: FastAPI, bob: Person) -> None:
    made = await make(client, bob)
    assert await status_of(client, made["api_key"]) == 200
    await execute(app, bob, REMOVE)
    await asyncio.sleep(2)
    assert await status_of(client, made["api_key"]) == 401


async def test_a_key_of_staff_is_an_ordinary_one(app: FastAPI, client: AsyncClient, factory: Factory) -> None:
    chief = await factory.person("chief", role=StaffRole.SUPER_ADMIN)
    made = await make(client, chief)
    assert not {"users:read", "users:write", "admin"} & set(made["scopes"])
    [authenticator, *_] = app.state.authenticators
    principal = await authenticator.authenticate(made["api_key"], address=None)
    assert (principal.staff_role, principal.membership_role) == (StaffRole.USER, MembershipRole.OWNER)
    assert (principal.amr, principal.authenticated_at) == ((), None)


async def test_staff_grants_a_key_nothing_beyond_their_membership(
    client: AsyncClient, app: FastAPI, root: Person
) -> None:
    await execute(app, root, DEMOTE)
    for scope in ("webhooks:write", "audit:read", "users:read"):
        answer = await client.post(URL, headers=root.headers, json={"name": "k", "scopes": [scope]})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_grantable")


async def test_two_credentials_are_400_whichever_they_are(
    client: AsyncClient, alice: Person, robot: Robot
) -> None:
    bearer = f"Bearer {robot.api_key}"
    pairs = [
        [("X-API-Key", robot.api_key), ("X-API-Key", robot.api_key)],
        [("Authorization", bearer), ("X-API-Key", robot.api_key)],
        [("Authorization", bearer), ("Authorization", alice.headers["Authorization"])],
    ]
    for headers in pairs:
        answer = await client.get(ME, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "multiple_credentials")


async def test_a_cookie_beside_a_key_is_ignored(client: AsyncClient, charlie: Person, robot: Robot) -> None:
    token = charlie.access_token
    cookies = f"access_token={token}; __Host-access={token}"
    answer = await client.get(ME, headers={**robot.headers, "Cookie": cookies})
    assert answer.json()["username"] == "alice"


async def test_uses_of_one_minute_are_written_once(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await status_of(client, robot.api_key)
    first = await row_of(app, alice)
    await forget(app, robot)
    async with client_of(app, "192.0.2.7") as elsewhere:
        await asyncio.gather(*(status_of(elsewhere, robot.api_key) for _ in range(10)))
    assert await row_of(app, alice) == first
    assert first["address"] == "127.0.0.1"


async def test_of_many_uses_a_minute_later_one_is_written(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await status_of(client, robot.api_key)
    await execute(app, alice, MINUTE_AGO)
    await forget(app, robot)
    async with client_of(app, "192.0.2.7") as elsewhere:
        await asyncio.gather(*(status_of(elsewhere, robot.api_key) for _ in range(4)))
    later = await row_of(app, alice)
    await forget(app, robot)
    await status_of(client, robot.api_key)
    assert await row_of(app, alice) == later
    assert later["address"] == "192.0.2.7"


async def test_a_use_is_noted_without_redis_too(
    other_worker: FastAPI, own_valkey: OwnValkey, alice: Person, robot: Robot
) -> None:
    own_valkey.kill()
    async with client_of(other_worker, "2001:db8::7") as other:
        assert await status_of(other, robot.api_key) == 200
    assert (await row_of(other_worker, alice))["address"] == "2001:db8::7"
