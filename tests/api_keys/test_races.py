"""What two requests at once, or one that comes too late, must not achieve."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.api_keys.models import ApiKey
from app.core.db import Tenant
from app.core.ids import new_id
from tests.api_keys.keys import ME, URL, make, status_of
from tests.auth.test_login import deactivate
from tests.factories import Factory, Person

pytestmark = pytest.mark.integration

END_SESSION = "UPDATE auth_sessions SET revoked_at = now() WHERE id = :id"


def bulk(person: Person, count: int) -> list[ApiKey]:
    return [
        ApiKey(
            organization_id=person.organization_id,
            user_id=person.user_id,
            name="bulk",
            prefix="prc_live_",
            digest=new_id().bytes,
            scopes=[],
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
        for _ in range(count)
    ]


async def fill(app: FastAPI, person: Person, count: int) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        session.add_all(bulk(person, count))


async def test_of_many_at_once_no_more_than_fifty_live(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await fill(app, alice, 45)
    answers = await asyncio.gather(
        *(client.post(URL, headers=alice.headers, json={"name": "k"}) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7


async def test_the_fifty_are_counted_over_all_organisations(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    await fill(app, bob, 50)
    async with app.state.database.transaction(Tenant(user_id=bob.user_id)) as session:
        home = text("SELECT organization_id FROM memberships WHERE role = 'owner'")
        assert await session.scalar(home) != bob.organization_id
    assert (await client.post(URL, headers=bob.headers, json={"name": "k"})).status_code == 409
    assert (await client.post(URL, headers=alice.headers, json={"name": "k"})).status_code == 201


async def test_at_fifty_a_rotation_needs_no_room_but_an_overlap_does(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await make(client, alice)
    await fill(app, alice, 49)
    place = f"{URL}/{made['id']}/rotate"
    overlapping = await client.post(place, headers=alice.headers, json={"overlap_seconds": 1})
    assert (overlapping.status_code, overlapping.json()["code"]) == (409, "too_many_api_keys")
    assert (await client.post(place, headers=alice.headers)).status_code == 201


async def test_at_fifty_the_default_key_can_be_replaced_but_not_added(
    client: AsyncClient, app: FastAPI, alice: Person, factory: Factory
) -> None:
    await client.post(f"{URL}/generate", headers=alice.headers)
    await fill(app, alice, 49)
    assert (await client.post(f"{URL}/generate", headers=alice.headers)).status_code == 200
    full = await factory.person("dora")
    await fill(app, full, 50)
    assert (await client.post(f"{URL}/generate", headers=full.headers)).status_code == 409


async def test_a_session_that_was_just_ended_makes_no_key_that_outlives_it(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await make(client, alice)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text(END_SESSION), {"id": alice.session_id})
    # The token is still believed: a session is remembered for a second.
    assert (await client.get(ME, headers=alice.headers)).status_code == 200
    attempts = [
        await client.post(URL, headers=alice.headers, json={"name": "k"}),
        await client.post(f"{URL}/generate", headers=alice.headers),
        await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers),
    ]
    assert {attempt.status_code for attempt in attempts} == {401}


async def test_an_account_just_deactivated_makes_no_key(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    assert (await client.get(ME, headers=alice.headers)).status_code == 200
    await deactivate(app, alice)
    assert (await client.post(URL, headers=alice.headers, json={"name": "k"})).status_code == 401


async def test_revoking_twice_is_404_the_second_time(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice)
    codes = [(await client.delete(f"{URL}/{made['id']}", headers=alice.headers)).status_code for _ in "12"]
    assert codes == [204, 404]
    assert await status_of(client, made["api_key"]) == 401
