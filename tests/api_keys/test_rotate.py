"""Rotation: the same key under a new secret, and when the old one ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import update

from app.api_keys.models import ApiKey
from app.core.db import Tenant
from app.core.principal import Scope
from tests.api_keys.keys import URL, audited, make, status_of
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration


async def test_a_key_cannot_rotate_itself(client: AsyncClient, alice: Person, robot: Robot) -> None:
    [item] = (await client.get(URL, headers=alice.headers)).json()["items"]
    answer = await client.post(f"{URL}/{item['id']}/rotate", headers=robot.headers, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_session_of_fewer_scopes_is_not_handed_a_secret_of_more(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    made = await make(client, alice)
    narrow = await factory.with_scopes(alice, Scope.KEYS_WRITE, Scope.PROFILE_READ)
    answer = await client.post(f"{URL}/{made['id']}/rotate", headers=narrow.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_grantable")
    assert await status_of(client, made["api_key"]) == 200


@pytest.mark.parametrize("seconds", [-1, 24 * 60 * 60 + 1, "soon", None])
async def test_an_overlap_beyond_a_day_is_422(client: AsyncClient, alice: Person, seconds: object) -> None:
    made = await make(client, alice)
    body = {"overlap_seconds": seconds}
    answer = await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers, json=body)
    assert answer.status_code == 422


async def test_another_members_key_is_404(client: AsyncClient, alice: Person, bob: Person) -> None:
    made = await make(client, alice)
    answer = await client.post(f"{URL}/{made['id']}/rotate", headers=bob.headers)
    assert answer.status_code == 404
    assert await status_of(client, made["api_key"]) == 200


async def test_a_rotated_key_is_neither_rotated_nor_changed_again(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice)
    place = f"{URL}/{made['id']}"
    await client.post(f"{place}/rotate", headers=alice.headers, json={"overlap_seconds": 60})
    again = await client.post(f"{place}/rotate", headers=alice.headers)
    longer = await client.patch(place, headers=alice.headers, json={"expires_at": None})
    assert [again.status_code, longer.status_code] == [409, 409]
    assert {again.json()["code"], longer.json()["code"]} == {"api_key_superseded"}


@pytest.mark.parametrize("end", [{"revoked_at": datetime.now(UTC)}, {"expires_at": datetime.now(UTC)}])
async def test_a_dead_key_is_404(
    client: AsyncClient, app: FastAPI, alice: Person, end: dict[str, datetime]
) -> None:
    made = await make(client, alice)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(update(ApiKey).values(**end))
    answer = await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers)
    assert answer.status_code == 404


async def test_by_default_the_old_key_ends_at_once(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice)
    assert await status_of(client, made["api_key"]) == 200
    rotated = await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers)
    assert rotated.status_code == 201
    assert await status_of(client, made["api_key"]) == 401
    assert await status_of(client, rotated.json()["api_key"]) == 200
    assert [item["id"] for item in (await client.get(URL, headers=alice.headers)).json()["items"]] == [
        rotated.json()["id"]
    ]


async def test_a_successor_is_the_same_key_under_another_secret(client: AsyncClient, alice: Person) -> None:
    moment = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    made = await make(client, alice, name="nightly", scopes=["profile:read"], rate_limit=7, expires_at=moment)
    answer = await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers)
    new = answer.json()
    assert [new[name] for name in ("name", "scopes", "rate_limit")] == ["nightly", ["profile:read"], 7]
    assert new["api_key"] != made["api_key"]
    left = datetime.fromisoformat(new["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


async def test_in_the_overlap_both_work_and_the_old_one_names_its_successor(
    client: AsyncClient, alice: Person
) -> None:
    made = await make(client, alice)
    body = {"overlap_seconds": 3600}
    new = (await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers, json=body)).json()
    assert [await status_of(client, key["api_key"]) for key in (made, new)] == [200, 200]
    old = (await client.get(f"{URL}/{made['id']}", headers=alice.headers)).json()
    assert old["superseded_by"] == new["id"]
    left = datetime.fromisoformat(old["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_an_overlap_does_not_lengthen_the_old_keys_life(client: AsyncClient, alice: Person) -> None:
    moment = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    made = await make(client, alice, expires_at=moment)
    body = {"overlap_seconds": 3600}
    await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers, json=body)
    old = (await client.get(f"{URL}/{made['id']}", headers=alice.headers)).json()
    assert datetime.fromisoformat(old["expires_at"]) == datetime.fromisoformat(moment)


async def test_of_twenty_rotations_at_once_one_succeeds(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice)
    body = {"overlap_seconds": 60}
    answers = await asyncio.gather(
        *(client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers, json=body) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert len((await client.get(URL, headers=alice.headers)).json()["items"]) == 2


async def test_the_default_key_rotated_is_still_the_default_key(client: AsyncClient, alice: Person) -> None:
    await client.post(f"{URL}/generate", headers=alice.headers)
    [item] = (await client.get(URL, headers=alice.headers)).json()["items"]
    body = {"overlap_seconds": 60}
    new = (await client.post(f"{URL}/{item['id']}/rotate", headers=alice.headers, json=body)).json()
    assert new["is_default"]
    old = (await client.get(f"{URL}/{item['id']}", headers=alice.headers)).json()
    assert not old["is_default"]


async def test_a_rotation_is_recorded_with_both_keys(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await make(client, alice)
    new = (await client.post(f"{URL}/{made['id']}/rotate", headers=alice.headers)).json()
    [rotated] = await audited(app, alice.organization_id, "api_key_rotated")
    assert (str(rotated["target_id"]), rotated["details"]["overlap_seconds"]) == (made["id"], 0)
    generated = await audited(app, alice.organization_id, "api_key_generated")
    assert [str(entry["target_id"]) for entry in generated] == [made["id"], new["id"]]
    assert made["api_key"] not in str(generated)
