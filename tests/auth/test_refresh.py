"""Refresh families: rotation, races, replay."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.auth.models import AuthSession
from app.auth.repository import SessionRepository
from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import Scope
from app.core.refresh_tokens import RefreshTokens
from app.settings import Settings
from tests.auth.traces import bearer, entries, is_in, mails, rotated_before, served
from tests.factories import Factory, Person
from tests.refilling import passes_until_refused
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/refresh"
ME = "/api/v1/users/me"


async def refresh(client: AsyncClient, token: str, **headers: str) -> Response:
    return await client.post(URL, json={"refresh_token": token}, headers=headers)


async def row_of(app: FastAPI, person: Person) -> AuthSession:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        row = await SessionRepository(session, person.organization_id).lock(person.session_id)
    assert row is not None
    return row


async def change(app: FastAPI, person: Person, **values: object) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        row = await SessionRepository(session, person.organization_id).lock(person.session_id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize("token", ["", "rt1_", "x" * 100, "rt1_" + "A" * 52])
async def test_garbage_is_401_with_a_challenge(client: AsyncClient, token: str) -> None:
    answer = await refresh(client, token)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


async def test_a_genuine_token_of_no_session_is_401(client: AsyncClient, settings: Settings) -> None:
    token = RefreshTokens.from_secret(settings.signing_secret).mint(new_id(), counter=0)
    assert (await refresh(client, token)).json()["code"] == "invalid_refresh_token"


async def test_a_counter_from_the_future_is_401_and_ends_nothing(
    client: AsyncClient, app: FastAPI, settings: Settings, alice: Person
) -> None:
    token = RefreshTokens.from_secret(settings.signing_secret).mint(alice.session_id, counter=7)
    assert (await refresh(client, token)).status_code == 401
    assert (await row_of(app, alice)).revoked_at is None


@pytest.mark.parametrize("column", ["idle_expires_at", "absolute_expires_at", "revoked_at"])
async def test_an_ended_session_is_not_refreshed(
    client: AsyncClient, app: FastAPI, alice: Person, column: str
) -> None:
    await change(app, alice, **{column: datetime.now(UTC) - timedelta(seconds=1)})
    assert (await refresh(client, alice.refresh_token)).json()["code"] == "invalid_refresh_token"


async def test_reused_refresh_token_revokes_the_family(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    pair = (await refresh(client, alice.refresh_token)).json()
    await rotated_before(database_urls)
    replay = await refresh(client, alice.refresh_token)
    assert replay.status_code == 401
    assert "reuse" in replay.json()["detail"]
    assert (await refresh(client, pair["refresh_token"])).status_code == 401


async def test_after_reuse_the_access_tokens_of_the_family_die(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    pair = (await refresh(client, alice.refresh_token)).json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await client.get(ME, headers=bearer)).status_code == 200
    await rotated_before(database_urls)
    await refresh(client, alice.refresh_token)
    assert (await client.get(ME, headers=bearer)).status_code == 401


async def test_a_retry_with_its_idempotency_key_gets_the_same_pair(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    first = await refresh(client, alice.refresh_token, **{"Idempotency-Key": "k1"})
    await rotated_before(database_urls)
    again = await refresh(client, alice.refresh_token, **{"Idempotency-Key": '"k1"'})
    assert again.headers["X-Refresh-Reused"] == "retry"
    assert again.json()["refresh_token"] == first.json()["refresh_token"]


async def test_the_family_is_told_to_the_log_and_to_its_owner_once(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    await refresh(client, alice.refresh_token)
    await rotated_before(database_urls)
    await asyncio.gather(*(refresh(client, alice.refresh_token) for _ in range(5)))
    (entry,) = await entries(database_urls, "token_reuse_detected")
    assert (entry["subject_id"], entry["target_id"]) == (alice.user_id, alice.session_id)
    assert (entry["actor_kind"], entry["organization_id"]) == ("anonymous", alice.organization_id)
    assert await mails(database_urls) == [("token_reused", str(alice.user_id))]


@pytest.mark.parametrize(("revokes", "other_lives"), [("session", True), ("user", False)])
async def test_reuse_ends_the_family_or_all_of_the_person_as_the_setting_says(
    settings: Settings,
    factory: Factory,
    alice: Person,
    bob: Person,
    database_urls: DatabaseUrls,
    revokes: str,
    *,
    other_lives: bool,
) -> None:
    other = await factory.with_scopes(alice)
    async with served(settings, reuse_revokes=revokes) as client:
        for _ in range(2):
            await refresh(client, alice.refresh_token)
            await rotated_before(database_urls)
        lives = [await is_in(client, person) for person in (alice, other, bob)]
    assert lives == [False, other_lives, True]


async def test_fifty_refreshes_at_once_leave_one_living_session_and_a_replay_ends_it(
    app: FastAPI, settings: Settings, alice: Person, database_urls: DatabaseUrls
) -> None:
    # The limit would let only thirty through; on a busy machine some would wait too long for a connection.
    async with served(settings, rate_limit_scale=10, db_pool_timeout=30) as client:
        answers = await asyncio.gather(*(refresh(client, alice.refresh_token) for _ in range(50)))
        assert {answer.status_code for answer in answers} <= {200, 401}
        pairs = [answer for answer in answers if answer.status_code == 200]
        assert len({pair.json()["refresh_token"] for pair in pairs}) == 1
        assert {(await client.get(ME, headers=bearer(pair))).status_code for pair in pairs} == {200}
        row = await row_of(app, alice)
        assert (row.counter, row.revoked_at) == (1, None)
        await rotated_before(database_urls)
        assert (await refresh(client, alice.refresh_token)).json()["code"] == "token_reused"
        assert {(await client.get(ME, headers=bearer(pair))).status_code for pair in pairs} == {401}


async def test_a_refresh_and_a_logout_at_once_do_not_wait_for_each_other(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await refresh(client, alice.refresh_token)
    await rotated_before(database_urls)
    token = {"refresh_token": alice.refresh_token}
    leaving = [client.post("/api/v1/auth/logout", json=token, headers=alice.headers) for _ in range(5)]
    replays = [refresh(client, alice.refresh_token) for _ in range(5)]
    answers = await asyncio.gather(*leaving, *replays)
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert (await row_of(app, alice)).revoked_at is not None


async def test_each_pair_that_is_given_out_is_in_the_log(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    for _ in range(2):
        await refresh(client, alice.refresh_token, **{"Idempotency-Key": "k1"})
        await rotated_before(database_urls)
    found = await entries(database_urls, "token_refresh")
    assert {entry["actor_id"] for entry in found} == {alice.user_id}
    verdicts = [json.loads(entry["details"]) for entry in found]
    assert verdicts == [{"counter": 1, "verdict": "rotate"}, {"counter": 1, "verdict": "retry"}]


async def test_a_body_held_back_until_after_the_rotation_is_a_replay(
    client: AsyncClient, alice: Person
) -> None:
    begun, rotated = asyncio.Event(), asyncio.Event()

    async def held_back() -> AsyncIterator[bytes]:
        begun.set()
        yield b'{"refresh_token": "'
        await rotated.wait()
        yield alice.refresh_token.encode() + b'"}'

    headers = {"Content-Type": "application/json"}
    late = asyncio.create_task(client.post("/api/v1/auth/refresh", content=held_back(), headers=headers))
    await begun.wait()
    assert (await refresh(client, alice.refresh_token)).status_code == 200
    # When a token arrived is a lower bound, by as much as a round trip to the database takes.
    await asyncio.sleep(1)
    rotated.set()
    answer = await late
    assert (answer.status_code, answer.json()["code"]) == (401, "token_reused")


async def test_an_access_token_in_its_place_is_401(client: AsyncClient, alice: Person) -> None:
    answer = await refresh(client, alice.access_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_refreshing_moves_the_idle_end_but_never_beyond_the_absolute_one(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    await change(app, alice, idle_expires_at=soon - timedelta(days=1), absolute_expires_at=soon)
    assert (await refresh(client, alice.refresh_token)).status_code == 200
    row = await row_of(app, alice)
    assert (row.idle_expires_at, row.absolute_expires_at) == (soon, soon)


async def test_garbage_counts_as_a_bad_credential_of_its_address(client: AsyncClient) -> None:
    async def is_refused() -> bool:
        status = (await refresh(client, "rt1_nonsense")).status_code
        assert status in {401, 429}
        return status == 429

    await passes_until_refused(is_refused, limit=60)


async def test_after_thirty_refreshes_in_a_minute_a_session_is_limited(
    client: AsyncClient, alice: Person
) -> None:
    tokens = [alice.refresh_token]

    async def is_refused() -> bool:
        answer = await refresh(client, tokens[-1])
        assert answer.status_code in {200, 429}
        tokens.append(answer.json().get("refresh_token"))
        return answer.status_code == 429

    await passes_until_refused(is_refused, limit=30)


async def test_refreshing_never_widens_the_scope(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.with_scopes(alice, Scope.SUMMARIES_READ, Scope.ADMIN)
    answer = await refresh(client, narrow.refresh_token)
    assert answer.json()["scope"] == "summaries:read"


async def test_each_pair_works_and_differs(client: AsyncClient, alice: Person) -> None:
    first = (await refresh(client, alice.refresh_token)).json()
    second = (await refresh(client, first["refresh_token"])).json()
    assert first["refresh_token"] != second["refresh_token"]
    answer = await client.get(ME, headers={"Authorization": f"Bearer {second['access_token']}"})
    assert answer.status_code == 200
