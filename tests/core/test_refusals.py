"""Who hears of refusals: the listener on the app, of verified callers only."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from starlette.requests import Request

from app.core.principal import Scope
from app.core.refusals import Refusal, RefusalKind, tell_refusal
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration

ME, KEYS = "/api/v1/users/me", "/api/v1/api-keys"


@pytest.fixture
def refusals(app: FastAPI) -> list[Refusal]:
    heard: list[Refusal] = []
    app.state.on_refusal = heard.append
    return heard


async def test_nobody_hears_of_an_anonymous_or_unknown_caller(
    client: AsyncClient, refusals: list[Refusal]
) -> None:
    assert (await client.get(ME)).status_code == 401
    assert (await client.get(ME, headers={"X-API-Key": "x"})).status_code == 401
    assert refusals == []


async def test_what_is_granted_is_no_refusal(
    client: AsyncClient, alice: Person, refusals: list[Refusal]
) -> None:
    assert (await client.get(ME, headers=alice.headers)).status_code == 200
    assert refusals == []


async def test_a_missing_scope_is_told_with_who_and_whence(
    client: AsyncClient, factory: Factory, alice: Person, refusals: list[Refusal]
) -> None:
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    assert (await client.get(KEYS, headers=narrow.headers)).status_code == 403
    (refusal,) = refusals
    assert (refusal.kind, refusal.name, refusal.address) == (RefusalKind.SCOPE, "keys:read", "127.0.0.1")
    assert refusal.principal.credential_id == narrow.session_id


async def test_a_limit_of_a_verified_caller_is_told(
    client: AsyncClient, factory: Factory, alice: Person, refusals: list[Refusal]
) -> None:
    robot: Robot = await factory.robot(alice, rate_limit=1)
    codes = {(await client.get("/api/v1/summaries", headers=robot.headers)).status_code for _ in range(3)}
    assert codes == {200, 429}
    assert {(refusal.kind, refusal.name) for refusal in refusals} == {(RefusalKind.LIMIT, "api_key")}


def test_without_a_listener_nothing_happens() -> None:
    request = Request({"type": "http", "app": FastAPI(), "state": {"principal": UUID(int=1)}})
    tell_refusal(request, RefusalKind.SCOPE, name="x")
    assert not hasattr(request.app.state, "on_refusal")
