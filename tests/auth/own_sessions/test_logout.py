"""Leaving: here, or everywhere."""

import pytest
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from app.core.refresh_tokens import RefreshTokens
from app.settings import Settings
from tests.auth.test_refresh import refresh
from tests.auth.traces import entries, is_in, sessions_of
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL, EVERYWHERE = "/api/v1/auth/logout", "/api/v1/auth/logout-all"


async def log_out(client: AsyncClient, person: Person | Robot, token: str) -> Response:
    return await client.post(URL, json={"refresh_token": token}, headers=person.headers)


async def test_nobody_cannot_log_out(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(URL, json={"refresh_token": alice.refresh_token})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert await is_in(client, alice)


async def test_a_key_cannot_log_its_owner_out(client: AsyncClient, alice: Person, robot: Robot) -> None:
    answer = await log_out(client, robot, alice.refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    assert (await client.post(EVERYWHERE, headers=robot.headers)).status_code == 403
    assert await is_in(client, alice)


@pytest.mark.parametrize("token", ["", "nonsense", "rt1_" + "A" * 52, "x" * 200])
async def test_a_malformed_token_is_400_and_ends_nothing(
    client: AsyncClient, alice: Person, token: str
) -> None:
    answer = await log_out(client, alice, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_refresh_token")
    assert await is_in(client, alice)


async def test_an_access_token_in_its_place_is_400(client: AsyncClient, alice: Person) -> None:
    answer = await log_out(client, alice, alice.access_token)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_refresh_token")


async def test_anothers_token_is_told_as_a_malformed_one_and_ends_nothing(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    malformed = {**(await log_out(client, alice, "nonsense")).json(), "request_id": ""}
    for other in (bob, charlie):
        answer = await log_out(client, alice, other.refresh_token)
        assert answer.status_code == 400
        assert {**answer.json(), "request_id": ""} == malformed
    assert [await is_in(client, person) for person in (alice, bob, charlie)] == [True] * 3


async def test_a_genuine_token_of_no_session_is_400(
    client: AsyncClient, settings: Settings, alice: Person
) -> None:
    token = RefreshTokens.from_secret(settings.signing_secret).mint(new_id(), counter=0)
    assert (await log_out(client, alice, token)).status_code == 400


async def test_after_logout_neither_token_of_the_session_works(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    assert await is_in(client, alice)
    answer = await log_out(client, alice, alice.refresh_token)
    assert (answer.status_code, answer.json()) == (200, {"detail": "Logged out"})
    assert not await is_in(client, alice)
    assert (await refresh(client, alice.refresh_token)).json()["code"] == "invalid_refresh_token"
    (entry,) = await entries(database_urls, "logout")
    assert (entry["actor_id"], entry["target_id"]) == (alice.user_id, alice.session_id)


async def test_logout_ends_the_session_of_either_token_and_no_other(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    named, third = await factory.with_scopes(alice), await factory.with_scopes(alice)
    assert (await log_out(client, alice, named.refresh_token)).status_code == 200
    assert (await refresh(client, named.refresh_token)).status_code == 401
    assert (await refresh(client, alice.refresh_token)).status_code == 401
    assert (await refresh(client, third.refresh_token)).status_code == 200


async def test_a_spent_token_logs_its_session_out_too(client: AsyncClient, alice: Person) -> None:
    following = (await refresh(client, alice.refresh_token)).json()
    assert (await log_out(client, alice, alice.refresh_token)).status_code == 200
    assert (await refresh(client, following["refresh_token"])).status_code == 401


async def test_no_scope_is_needed_to_leave(client: AsyncClient, factory: Factory, alice: Person) -> None:
    narrow = await factory.with_scopes(alice)
    assert (await log_out(client, narrow, narrow.refresh_token)).status_code == 200


async def test_logging_out_everywhere_ends_all_of_mine_and_nobody_elses(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person, database_urls: DatabaseUrls
) -> None:
    other = await factory.with_scopes(alice)
    answer = await client.post(EVERYWHERE, headers=alice.headers)
    assert (answer.status_code, answer.json()["detail"]) == (200, "Logged out of 2 sessions")
    people = (alice, other, bob)
    assert [await is_in(client, person) for person in people] == [False, False, True]
    assert {row["revoke_reason"] for row in await sessions_of(database_urls, alice)} == {"logout_everywhere"}
    assert len(await entries(database_urls, "logout")) == 1
