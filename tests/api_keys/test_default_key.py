"""POST /api-keys/generate and DELETE /api-keys/revoke: the one default key."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, update

from app.api_keys.models import ApiKey
from app.core.db import Tenant
from app.core.principal import KEY_SCOPES, MEMBERSHIP_SCOPES, MembershipRole, Scope
from tests.api_keys.keys import URL, audited, make, status_of
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration


async def generate(client: AsyncClient, person: Person) -> str:
    answer = await client.post(f"{URL}/generate", headers=person.headers)
    assert (answer.status_code, set(answer.json())) == (200, {"api_key", "message"})
    key: str = answer.json()["api_key"]
    return key


async def test_a_key_cannot_generate_or_revoke_the_default_key(client: AsyncClient, robot: Robot) -> None:
    made = await client.post(f"{URL}/generate", headers=robot.headers)
    ended = await client.delete(f"{URL}/revoke", headers=robot.headers)
    assert (made.status_code, ended.status_code) == (403, 403)


async def test_without_a_default_key_there_is_nothing_to_revoke(client: AsyncClient, alice: Person) -> None:
    await make(client, alice, name="default")
    answer = await client.delete(f"{URL}/revoke", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")


async def test_an_expired_default_key_is_none_and_is_replaced(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await generate(client, alice)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(update(ApiKey).values(expires_at=func.now()))
    assert (await client.delete(f"{URL}/revoke", headers=alice.headers)).status_code == 404
    assert await status_of(client, await generate(client, alice)) == 200


async def test_the_former_default_key_ends_at_once_and_others_stay(
    client: AsyncClient, alice: Person
) -> None:
    other = await make(client, alice)
    former = await generate(client, alice)
    assert await status_of(client, former) == 200
    latter = await generate(client, alice)
    assert [await status_of(client, key) for key in (former, latter, other["api_key"])] == [401, 200, 200]


async def test_of_many_generated_at_once_one_lives(client: AsyncClient, alice: Person) -> None:
    keys = await asyncio.gather(*(generate(client, alice) for _ in range(12)))
    living = [key for key in keys if await status_of(client, key) == 200]
    assert len(living) == 1
    assert len((await client.get(URL, headers=alice.headers)).json()["items"]) == 1


async def test_it_has_all_that_a_key_may_have_for_ninety_days(client: AsyncClient, alice: Person) -> None:
    await generate(client, alice)
    [item] = (await client.get(URL, headers=alice.headers)).json()["items"]
    assert set(item["scopes"]) == MEMBERSHIP_SCOPES[MembershipRole.OWNER] & KEY_SCOPES
    assert (item["name"], item["is_default"]) == ("default", True)


async def test_a_session_of_fewer_scopes_generates_a_key_of_as_few(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    await generate(client, await factory.with_scopes(alice, Scope.KEYS_WRITE, Scope.ORG_READ))
    [item] = (await client.get(URL, headers=alice.headers)).json()["items"]
    assert item["scopes"] == ["org:read"]


async def test_a_revoked_default_key_is_dead_and_recorded(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    key = await generate(client, alice)
    answer = await client.delete(f"{URL}/revoke", headers=alice.headers)
    assert (answer.status_code, set(answer.json())) == (200, {"detail"})
    assert await status_of(client, key) == 401
    [entry] = await audited(app, alice.organization_id, "api_key_revoked")
    assert entry["details"] == {"prefix": key[:12]}


async def test_each_organisation_has_its_own_default_key(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person
) -> None:
    at_home = await factory.person("dora")
    assert await status_of(client, await generate(client, bob)) == 200
    key = await generate(client, at_home)
    await generate(client, alice)
    assert await status_of(client, key) == 200
