"""Login: who may not, and what a token then gets."""

import asyncio

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import text

from app.main import create_app
from app.settings import Settings
from app.users.store import UserStore
from tests.factories import PASSWORD, Person, Robot

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/token"
ME = "/api/v1/users/me"


async def log_in(client: AsyncClient, username: str, password: str = PASSWORD, **form: str) -> Response:
    return await client.post(URL, data={"username": username, "password": password, **form})


async def deactivate(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction() as session:
        store = UserStore(session)
        user = await store.get(person.user_id)
        assert user is not None
        await store.update(user, {"is_active": False})


async def test_unknown_wrong_and_inactive_get_the_same_answer(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    await deactivate(app, charlie)
    answers = [
        await log_in(client, "nobody"),
        await log_in(client, alice.username, "Wrong-Horse-9-Battery"),
        await log_in(client, charlie.username),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]


async def test_the_sixth_login_of_an_address_in_a_minute_is_limited(
    client: AsyncClient, alice: Person
) -> None:
    for _ in range(5):
        await log_in(client, alice.username, "Wrong-Horse-9-Battery")
    answer = await log_in(client, alice.username)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_json_instead_of_a_form_is_told_so(client: AsyncClient) -> None:
    answer = await client.post(URL, json={"username": "alice", "password": PASSWORD})
    assert answer.status_code in {415, 422}
    assert PASSWORD not in answer.text


async def test_where_verification_is_required_nobody_enters_without_it(
    settings: Settings, alice: Person
) -> None:
    required = settings.model_copy(update={"email_verification": "required"})
    strict = await asyncio.to_thread(create_app, required)
    transport = ASGITransport(app=strict)
    async with (
        LifespanManager(strict),
        AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        answer = await log_in(client, alice.username)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_not_verified")


async def test_a_user_without_any_organisation_cannot_log_in(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("SELECT set_config('app.user_id', :id, true)"), {"id": str(alice.user_id)})
        await session.execute(text("DELETE FROM memberships WHERE user_id = :id"), {"id": alice.user_id})
    assert (await log_in(client, alice.username)).status_code == 401


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.com", "Alice@Example.COM"])
async def test_name_and_address_work_in_any_case(client: AsyncClient, alice: Person, login: str) -> None:
    answer = await log_in(client, login)
    assert answer.status_code == 200
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("bearer", 900)
    me = await client.get(ME, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert me.json()["username"] == alice.username
    assert me.json()["last_login"] is not None


async def test_a_token_gets_what_was_asked_and_is_allowed(client: AsyncClient, alice: Person) -> None:
    answer = await log_in(client, alice.username, scope="summaries:read admin nonsense")
    assert answer.json()["scope"] == "summaries:read"


async def test_no_scope_asked_means_all_that_are_allowed(
    client: AsyncClient, alice: Person, root: Person
) -> None:
    owner = (await log_in(client, alice.username)).json()["scope"].split()
    staff = (await log_in(client, root.username)).json()["scope"].split()
    assert "admin" not in owner
    assert "summaries:write" in owner
    assert "admin" in staff


async def test_an_outdated_hash_is_replaced_on_login(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    bcrypt_hash = "$2b$04$aLDzxj.Ai.urCw8xct7LaeMnsXfeMhSBWcnqavtGjOpKr.qykGt.q"
    async with app.state.database.transaction() as session:
        store = UserStore(session)
        user = await store.get(alice.user_id)
        assert user is not None
        await store.update(user, {"hashed_password": bcrypt_hash})
    assert (await log_in(client, alice.username)).status_code == 200
    async with app.state.database.transaction() as session:
        user = await UserStore(session).get(alice.user_id)
    assert user is not None
    assert user.hashed_password.startswith("$argon2id$")


async def test_a_peer_without_an_address_can_log_in_and_use_a_key(
    app: FastAPI, alice: Person, robot: Robot
) -> None:
    transport = ASGITransport(app=app, client=("testclient", 1))
    async with AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await log_in(client, alice.username)).status_code == 200
        assert (await client.get(ME, headers=robot.headers)).status_code == 200
