"""My sessions: seen by me, ended by me."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import Scope
from tests.auth.test_refresh import change
from tests.auth.traces import bearer, entries, is_in, log_in
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls
from tests.statements import statements_of

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/sessions"


async def test_a_key_cannot_end_a_session(client: AsyncClient, alice: Person, robot: Robot) -> None:
    answer = await client.delete(f"{URL}/{alice.session_id}", headers=robot.headers)
    assert answer.status_code == 403
    assert await is_in(client, alice)


async def test_a_colleagues_session_is_not_found_and_lives(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    answer = await client.delete(f"{URL}/{bob.session_id}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert await is_in(client, bob)
    shown = (await client.get(URL, headers=alice.headers)).json()["items"]
    assert [item["id"] for item in shown] == [str(alice.session_id)]


@pytest.mark.parametrize("column", ["idle_expires_at", "absolute_expires_at", "revoked_at"])
async def test_an_ended_session_is_neither_shown_nor_ended_again(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, column: str
) -> None:
    other = await factory.with_scopes(alice)
    await change(app, other, **{column: datetime.now(UTC) - timedelta(seconds=1)})
    assert len((await client.get(URL, headers=alice.headers)).json()["items"]) == 1
    answer = await client.delete(f"{URL}/{other.session_id}", headers=alice.headers)
    assert answer.status_code == 404


async def test_a_session_shows_its_device_and_network_and_nothing_secret(
    client: AsyncClient, alice: Person
) -> None:
    client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
    token = await log_in(client, alice.username)
    item, former = (await client.get(URL, headers=bearer(token))).json()["items"]
    assert (item["device"], item["address"]) == ("Firefox on Linux", "127.0.0.0/24")
    assert (item["current"], former["current"]) == (True, False)
    assert (former["device"], former["address"]) == ("Unknown device", None)
    assert item["created_at"] <= item["last_used_at"] < item["expires_at"]
    names = {"id", "organization_id", "device", "address", "created_at", "last_used_at", "expires_at"}
    assert set(item) >= {*names, "current"}
    assert token.json()["refresh_token"] not in str(item)


async def test_the_list_is_paged_newest_first_at_a_fixed_price(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person
) -> None:
    made = [str(alice.session_id)] + [str((await factory.with_scopes(alice)).session_id) for _ in range(4)]
    url, seen = f"{URL}?limit=2", []
    while url:
        async with statements_of(app) as statements:
            page = (await client.get(url, headers=alice.headers)).json()
        assert len(statements) <= 4
        seen += [item["id"] for item in page["items"]]
        url = f"{URL}?limit=2&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert seen == made[::-1]


async def test_a_cursor_of_another_person_is_refused(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person
) -> None:
    await factory.with_scopes(alice)
    cursor = (await client.get(f"{URL}?limit=1", headers=alice.headers)).json()["next_cursor"]
    answer = await client.get(f"{URL}?cursor={cursor}", headers=bob.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_an_ended_session_is_refused_at_once_and_told_to_the_log(
    client: AsyncClient, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    other = await factory.with_scopes(alice, Scope.PROFILE_READ)
    assert await is_in(client, other)
    answer = await client.delete(f"{URL}/{other.session_id}", headers=alice.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await is_in(client, other), await is_in(client, alice)) == (False, True)
    (entry,) = await entries(database_urls, "token_revoked")
    assert (entry["target_id"], entry["subject_id"]) == (other.session_id, alice.user_id)


async def test_a_session_may_end_itself(client: AsyncClient, alice: Person) -> None:
    assert (await client.delete(f"{URL}/{alice.session_id}", headers=alice.headers)).status_code == 204
    assert not await is_in(client, alice)


@pytest.mark.parametrize("session_id", ["0192f0c1-5a2b-7c3d-8e4f-9a0b1c2d3e4f", "nonsense", "0" * 32])
async def test_an_unknown_session_is_not_found(client: AsyncClient, alice: Person, session_id: str) -> None:
    answer = await client.delete(f"{URL}/{session_id}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
