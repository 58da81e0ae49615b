"""Registering makes a person and their organisation, or nothing."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from app.core.db import Tenant
from app.core.passwords import Passwords
from app.organizations.models import Membership
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL = "/api/v1/users/register"
DORA = {
    "username": "Dora",
    "email": "Dora@Example.com",
    "password": "Walnut-Bridge-42-rain",
    "full_name": "Dora D",
}


@pytest.mark.parametrize("name", ["ab", "a" * 51, "with space", "semi;colon", "é", "a@b"])
async def test_a_name_outside_the_alphabet_is_refused(client: AsyncClient, name: str) -> None:
    answer = await client.post(URL, json={**DORA, "username": name})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/username"


async def test_a_weak_password_is_refused_with_every_fault_and_no_echo(client: AsyncClient) -> None:
    answer = await client.post(URL, json={**DORA, "password": "abcq"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "weak_password"
    assert len(answer.json()["errors"]) > 1
    assert "abcq" not in answer.text


async def test_an_unknown_field_is_refused(client: AsyncClient) -> None:
    answer = await client.post(URL, json={**DORA, "role": "super_admin"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"email": "other@example.com"}, "Username already registered"),
        ({"username": "other"}, "Email already registered"),
    ],
)
async def test_a_taken_identity_is_a_conflict(
    client: AsyncClient, change: dict[str, str], detail: str
) -> None:
    assert (await client.post(URL, json=DORA)).status_code == 201
    answer = await client.post(URL, json={**DORA, **change})
    assert (answer.status_code, answer.json()["detail"]) == (409, detail)


async def test_a_race_of_two_registrations_has_one_winner_and_no_500(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post(URL, json=DORA) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_the_answer_is_the_user_without_any_hash(client: AsyncClient) -> None:
    answer = await client.post(URL, json=DORA)
    assert answer.status_code == 201
    user = answer.json()
    assert (user["username"], user["email"], user["role"]) == ("dora", "dora@example.com", "user")
    assert user["is_active"] is True
    assert user["last_login"] is None
    assert "password" not in answer.text


async def test_the_fourth_registration_of_an_address_in_an_hour_is_limited(client: AsyncClient) -> None:
    for number in range(3):
        await client.post(URL, json={**DORA, "username": f"u{number}-x", "email": f"{number}@example.com"})
    answer = await client.post(URL, json=DORA)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_full_queue_of_passwords_is_503_and_leaves_nothing(
    client: AsyncClient, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    usual, app.state.passwords = app.state.passwords, await asyncio.to_thread(Passwords, max_pending=0)
    answer = await client.post(URL, json=DORA)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert await ask(database_urls.superuser, "SELECT FROM users") == []
    app.state.passwords = usual
    assert (await client.post(URL, json=DORA)).status_code == 201


async def test_registering_makes_a_personal_organisation(client: AsyncClient, app: FastAPI) -> None:
    user_id = (await client.post(URL, json=DORA)).json()["id"]
    async with app.state.database.transaction(Tenant(user_id=user_id)) as session:
        roles = list(await session.scalars(select(Membership.role)))
    assert roles == ["owner"]


async def test_a_refused_registration_leaves_no_row(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    answer = await client.post(URL, json={**DORA, "email": "alice@example.com"})
    assert answer.status_code == 409
    async with app.state.database.transaction(Tenant(user_id=alice.user_id)) as session:
        assert await session.scalar(select(func.count()).select_from(Membership)) == 1
