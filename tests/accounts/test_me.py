"""A person reads and changes their own profile."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.principal import Scope
from tests.accounts.rows import audited
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

AGE_LOGINS = text(
    "UPDATE auth_sessions SET created_at = created_at - interval '16 min', authenticated_at = NULL"
)
URL = "/api/v1/users/me"


async def test_an_api_key_cannot_change_its_owner(client: AsyncClient, robot: Robot) -> None:
    answer = await client.patch(URL, headers=robot.headers, json={"full_name": "Robot"})
    assert answer.status_code == 403
    assert 'scope="profile:write"' in answer.headers["WWW-Authenticate"]


async def test_a_token_without_the_scope_cannot_read(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    assert (await client.get(URL, headers=narrow.headers)).status_code == 403


@pytest.mark.parametrize(
    "field", [{"role": "admin"}, {"is_verified": True}, {"is_active": True}, {"username": "root"}]
)
async def test_what_only_others_may_change_about_me_is_422(
    client: AsyncClient, alice: Person, field: dict[str, object]
) -> None:
    for method in ("PATCH", "PUT"):
        answer = await client.request(method, URL, headers=alice.headers, json=field)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_another_persons_address_is_a_conflict(
    client: AsyncClient, alice: Person, charlie: Person
) -> None:
    answer = await client.patch(URL, headers=alice.headers, json={"email": "Charlie@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert charlie.username == "charlie"


async def test_an_old_login_cannot_change_the_address_but_the_name(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(AGE_LOGINS)
    answer = await client.patch(URL, headers=alice.headers, json={"email": "new@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (403, "recent_login_required")
    same = {"email": "alice@example.com", "full_name": "Alice A"}
    assert (await client.put(URL, headers=alice.headers, json=same)).status_code == 200


async def test_the_fourth_new_address_in_an_hour_is_limited(client: AsyncClient, alice: Person) -> None:
    answers = [
        await client.patch(URL, headers=alice.headers, json={"email": f"{number}@example.com"})
        for number in (1, 1, 2, 3, 4)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]


async def test_a_new_address_is_recorded(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    await client.patch(URL, headers=alice.headers, json={"email": "new@example.com"})
    (entry,) = await audited(database_urls, "email_changed")
    assert (entry["organization_id"], entry["actor_id"]) == (alice.organization_id, alice.user_id)


async def test_a_field_left_out_stays(client: AsyncClient, alice: Person) -> None:
    await client.put(URL, headers=alice.headers, json={"full_name": "Alice A"})
    answer = await client.put(URL, headers=alice.headers, json={"email": "new@example.com"})
    assert answer.json()["full_name"] == "Alice A"
    assert answer.json()["email"] == "new@example.com"
    assert answer.json()["is_verified"] is False


async def test_a_null_address_is_422_and_a_null_name_goes(client: AsyncClient, alice: Person) -> None:
    await client.patch(URL, headers=alice.headers, json={"full_name": "Alice A"})
    refused = await client.patch(URL, headers=alice.headers, json={"email": None, "full_name": None})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/email")
    answer = await client.patch(URL, headers=alice.headers, json={"full_name": None})
    assert (answer.json()["email"], answer.json()["full_name"]) == ("alice@example.com", None)


async def test_me_is_the_caller(client: AsyncClient, alice: Person, bob: Person) -> None:
    names = [(await client.get(URL, headers=who.headers)).json()["username"] for who in (alice, bob)]
    assert names == ["alice", "bob"]
