"""Refresh families: rotation, races, replay."""

import asyncio
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
from tests.factories import Factory, Person

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


async def test_reused_refresh_token_revokes_the_family(client: AsyncClient, alice: Person) -> None:
    pair = (await refresh(client, alice.refresh_token)).json()
    replay = await refresh(client, alice.refresh_token)
    assert replay.status_code == 401
    assert "reuse" in replay.json()["detail"]
    assert (await refresh(client, pair["refresh_token"])).status_code == 401


async def test_after_reuse_the_access_tokens_of_the_family_die(client: AsyncClient, alice: Person) -> None:
    pair = (await refresh(client, alice.refresh_token)).json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await client.get(ME, headers=bearer)).status_code == 200
    await refresh(client, alice.refresh_token)
    assert (await client.get(ME, headers=bearer)).status_code == 401


async def test_a_retry_with_its_idempotency_key_gets_the_same_pair(
    client: AsyncClient, alice: Person
) -> None:
    first = await refresh(client, alice.refresh_token, **{"Idempotency-Key": "k1"})
    again = await refresh(client, alice.refresh_token, **{"Idempotency-Key": '"k1"'})
    assert again.headers["X-Refresh-Reused"] == "retry"
    assert again.json()["refresh_token"] == first.json()["refresh_token"]


async def test_concurrent_refreshes_leave_one_living_session(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    answers = await asyncio.gather(*(refresh(client, alice.refresh_token) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    row = await row_of(app, alice)
    assert (row.counter, row.revoked_at) == (1, None)


async def test_garbage_counts_as_a_bad_credential_of_its_address(client: AsyncClient) -> None:
    codes = [(await refresh(client, "rt1_nonsense")).status_code for _ in range(75)]
    assert codes[:60] == [401] * 60
    assert 429 in codes  # not at once, as the limit refills by one a second meanwhile


async def test_after_thirty_refreshes_in_a_minute_a_session_is_limited(
    client: AsyncClient, alice: Person
) -> None:
    token, codes = alice.refresh_token, []
    for _ in range(45):
        answer = await refresh(client, token)
        codes.append(answer.status_code)
        token = answer.json().get("refresh_token", token)
    assert codes[:30] == [200] * 30
    assert 429 in codes  # as above, by one in two seconds


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
