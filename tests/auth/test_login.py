"""Login: who may not, and what a token then gets."""

import asyncio

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.settings import Settings
from app.users.store import UserStore
from tests.auth.attackers import AWAY, HOME, URL, WRONG, app_with, at, log_in
from tests.auth.second_factor.device import Clock, set_up
from tests.catalogue import ask
from tests.factories import PASSWORD, Person, Robot
from tests.fixtures import make_app
from tests.measured import judged
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


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


async def test_json_instead_of_a_form_is_told_so(client: AsyncClient) -> None:
    answer = await client.post(URL, json={"username": "alice", "password": PASSWORD})
    assert answer.status_code in {415, 422}
    assert PASSWORD not in answer.text


async def test_where_verification_is_required_only_the_right_password_is_told(
    settings: Settings, alice: Person
) -> None:
    changed = {"email_verification": "required", "max_login_attempts": 1, "rate_limit_scale": 100.0}
    async with app_with(settings, **changed) as app:
        right = await log_in(at(app, HOME), alice.username)
        assert (right.status_code, right.json()["code"]) == (403, "email_not_verified")
        for password in (WRONG, PASSWORD):
            answer = await log_in(at(app, AWAY), alice.username, password)
            assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")


async def test_wrong_codes_lock_out_as_wrong_passwords_do(
    settings: Settings, alice: Person, database_urls: DatabaseUrls
) -> None:
    clock = Clock()
    changed = {"max_login_attempts": 2, "rate_limit_scale": 100.0}
    app = await asyncio.to_thread(make_app, settings.model_copy(update=changed), clock=clock)
    async with LifespanManager(app):
        device = await set_up(at(app, HOME), alice, clock)
        for code in (device.wrong_code, device.wrong_code, device.next_code()):
            answer = await log_in(at(app, HOME), alice.username, totp=code)
            assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    query = "SELECT details ->> 'reason' AS reason FROM audit_entries WHERE action = 'login_failure'"
    reasons = [row["reason"] for row in await ask(database_urls.superuser, query)]
    assert reasons == ["second_factor", "second_factor", "locked"]


async def test_a_code_that_is_only_missing_is_no_failure(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await set_up(client, alice, Clock())
    assert (await log_in(client, alice.username)).json()["code"] == "second_factor_required"
    assert (await log_in(client, alice.username, totp="")).json()["code"] == "second_factor_required"
    async with app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM login_tallies")) == 0


async def test_logins_are_counted_as_accepted_or_refused(client: AsyncClient, alice: Person) -> None:
    before = [judged("login", outcome) for outcome in ("accepted", "refused")]
    await log_in(client, alice.username)
    await log_in(client, alice.username, WRONG)
    await log_in(client, "nobody")
    after = [judged("login", outcome) for outcome in ("accepted", "refused")]
    assert after == [before[0] + 1, before[1] + 2]


async def test_a_login_is_in_its_organisations_log_with_how_it_was_proved(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    await log_in(client, alice.username)
    query = """
        SELECT e.organization_id, e.subject_id, e.details, s.amr, s.device_id, s.authenticated_at
        FROM audit_entries e JOIN auth_sessions s ON s.id = e.target_id WHERE e.action = 'login_success'
    """
    (row,) = await ask(database_urls.superuser, query)
    assert (row["organization_id"], row["subject_id"]) == (alice.organization_id, alice.user_id)
    assert (row["details"], row["amr"]) == ('{"amr": "pwd"}', ["pwd"])
    assert row["device_id"] is not None
    assert row["authenticated_at"] is not None


async def test_a_user_without_any_organisation_cannot_log_in(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
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
