"""Changing a password: only with the current one, and at the price of every session."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.users.store import UserStore
from tests.auth.test_refresh import refresh
from tests.auth.traces import bearer, entries, is_in, log_in, mails, sessions_of
from tests.factories import PASSWORD, Factory, Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/change-password"
NEW, WRONG = "Walnut-Bridge-42-rain", "Wrong-Horse-9-Battery"


async def change(
    client: AsyncClient, person: Person | Robot, current: str = PASSWORD, new: str = NEW
) -> Response:
    body = {"current_password": current, "new_password": new}
    return await client.post(URL, json=body, headers=person.headers)


async def test_a_key_cannot_take_the_account_over(client: AsyncClient, alice: Person, robot: Robot) -> None:
    assert (await change(client, robot)).status_code == 403
    assert (await log_in(client, alice.username)).status_code == 200


async def test_a_wrong_current_password_is_400_changes_nothing_and_is_kept_in_the_log(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    answer = await change(client, alice, WRONG)
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert WRONG not in answer.text
    assert await is_in(client, alice)
    (entry,) = await entries(database_urls, "login_failure")
    assert (entry["actor_id"], await mails(database_urls)) == (alice.user_id, [])


@pytest.mark.parametrize("new", ["a1!", "Password123!", "Alice-alice-9-alice", "x" * 129])
async def test_a_weak_new_password_is_422_and_named(client: AsyncClient, alice: Person, new: str) -> None:
    answer = await change(client, alice, new=new)
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/new_password"}
    assert new not in answer.text
    assert await is_in(client, alice)


async def test_whoever_holds_a_session_cannot_find_the_password_by_trying(
    client: AsyncClient, alice: Person
) -> None:
    codes = [(await change(client, alice, f"{WRONG}-{number}")).status_code for number in range(11)]
    assert codes == [400] * 10 + [429]
    assert (await change(client, alice)).status_code == 429


async def test_an_account_that_is_gone_is_refused(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    assert await is_in(client, alice)
    async with app.state.database.transaction() as session:
        store = UserStore(session)
        user = await store.get(alice.user_id)
        assert user is not None
        await store.delete(user)
    assert (await change(client, alice)).status_code == 400


async def test_it_ends_every_session_this_one_too(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person, database_urls: DatabaseUrls
) -> None:
    other = await factory.with_scopes(alice)
    answer = await change(client, alice)
    assert (answer.status_code, set(answer.json())) == (200, {"detail"})
    assert [await is_in(client, person) for person in (alice, other, bob)] == [False, False, True]
    assert (await refresh(client, other.refresh_token)).status_code == 401
    (entry,) = await entries(database_urls, "password_changed")
    assert entry["details"] == '{"where": "change_password", "sessions": 2}'
    assert await mails(database_urls) == [("password_changed", str(alice.user_id))]


async def test_the_old_password_is_of_no_use_then_and_the_new_one_is(
    client: AsyncClient, alice: Person
) -> None:
    await change(client, alice)
    assert (await log_in(client, alice.username)).status_code == 401
    assert (await log_in(client, alice.username, NEW)).status_code == 200


async def test_of_two_changes_at_once_one_holds(client: AsyncClient, alice: Person) -> None:
    others = ["Gravel-Otter-77-moon", "Pepper-Canyon-31-lake"]
    answers = await asyncio.gather(*(change(client, alice, new=new) for new in others))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert statuses[1] in {400, 401}


async def test_no_session_opened_with_the_old_password_survives_the_change(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    logins = [log_in(client, alice.username) for _ in range(4)]
    *_, changed = await asyncio.gather(*logins, change(client, alice))
    assert changed.status_code == 200
    assert all(row["revoked_at"] for row in await sessions_of(database_urls, alice))


async def test_a_login_after_the_change_is_not_ended_by_it(client: AsyncClient, alice: Person) -> None:
    await change(client, alice)
    pair = await log_in(client, alice.username, NEW)
    answer = await client.get("/api/v1/users/me", headers=bearer(pair))
    assert answer.status_code == 200
