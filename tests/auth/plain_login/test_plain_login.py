"""A login that nothing speaks against is one statement beside the lookup; anything else it leaves alone."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from app.auth.lockout.clients import LoginClient, client_of
from app.auth.opening import Device, Login
from app.auth.plain_login.service import Candidate
from app.auth.plain_login.store import Account, find_account
from app.auth.service import LoginParts
from app.core.passwords import Verified
from app.core.principal import StaffRole
from app.settings import Settings
from app.users.store import UserStore
from tests.auth.attackers import HOME, WRONG, app_with, at, guess, log_in, query
from tests.catalogue import ask
from tests.factories import PASSWORD, Person
from tests.fixtures import make_app
from tests.servers import DatabaseUrls
from tests.statements import statements_of

pytestmark = pytest.mark.integration

STRANGER = client_of(None, HOME)
RIGHT = Verified(ok=True)
SESSIONS = "SELECT * FROM auth_sessions WHERE device_id IS NOT NULL ORDER BY id"
ENTRIES = "SELECT * FROM audit_entries WHERE action = 'login_success' ORDER BY id"
# By which two logins of one device differ, or two entries of them.
OWN = {
    *("id", "created_at", "rotated_at", "authenticated_at", "idle_expires_at", "absolute_expires_at"),
    *("device_id", "request_id", "target_id", "credential_id"),
}


@pytest.fixture
def built_app(settings: Settings) -> FastAPI:
    """With limits out of its way."""
    return make_app(settings.model_copy(update={"rate_limit_scale": 1000.0}))


def parts_of(app: FastAPI) -> LoginParts:
    parts: LoginParts = app.state.login_service.parts
    return parts


async def account_of(app: FastAPI, person: Person) -> Account:
    account = await find_account(app.state.database, person.username)
    assert account is not None
    return account


async def open_for(
    app: FastAPI, account: Account, verified: Verified = RIGHT, client: LoginClient = STRANGER
) -> Login | None:
    candidate = Candidate(account.id, account, client, verified)
    return await parts_of(app).plain.open(candidate, frozenset(), device=Device(HOME, None))


async def lockers(app: FastAPI) -> list[Any]:
    """Who last locked or changed each account."""
    return await query(app, "SELECT xmin::text || ' ' || xmax::text FROM users ORDER BY id")


async def test_whoever_is_refused_costs_the_same_statements_locked_or_not(
    app: FastAPI, alice: Person, bob: Person
) -> None:
    await guess(at(app, HOME), bob.username, times=5)
    sent = []
    for name, password in (
        (bob.username, PASSWORD),
        (bob.username, WRONG),
        (alice.username, WRONG),
    ):
        async with statements_of(app) as statements:
            assert (await log_in(at(app, HOME), name, password)).status_code == 401
        sent.append([each for each in statements if not each.startswith("UPDATE login_tallies")])
    assert sent[0] == sent[1] == sent[2]


@pytest.mark.parametrize("what", ["wrong", "outdated hash", "counted", "deactivated"])
async def test_where_it_comes_to_nothing_it_locks_and_writes_nothing(
    app: FastAPI, alice: Person, what: str
) -> None:
    account = await account_of(app, alice)
    verified = {"wrong": Verified(ok=False), "outdated hash": Verified(ok=True, replacement_hash="x")}
    if what == "counted":
        await guess(at(app, HOME), alice.username)
    if what == "deactivated":
        await query(app, "UPDATE users SET is_active = false RETURNING id")
    before = await lockers(app)
    assert await open_for(app, account, verified.get(what, RIGHT)) is None
    assert await lockers(app) == before
    assert await query(app, "SELECT last_login FROM users WHERE last_login IS NOT NULL") == []


@pytest.mark.parametrize("change", [{"hashed_password": "another"}, {"staff_role": StaffRole.ADMIN}])
async def test_an_account_that_is_no_longer_as_it_was_is_judged_anew(
    app: FastAPI, alice: Person, change: dict[str, Any]
) -> None:
    assert await open_for(app, replace(await account_of(app, alice), **change)) is None


async def test_a_guess_that_is_being_counted_is_waited_for(app: FastAPI, alice: Person) -> None:
    account = await account_of(app, alice)
    async with app.state.database.transaction() as session:
        assert await UserStore(session).lock(account.id)
        await parts_of(app).lockout.begin(session, account.id, client=STRANGER, is_decoy=False)
        opening = asyncio.create_task(open_for(app, account))
        await asyncio.sleep(0.3)
        assert not opening.done()
    assert await opening is None


async def test_a_password_change_under_way_is_waited_for(app: FastAPI, alice: Person) -> None:
    account = await account_of(app, alice)
    async with app.state.database.transaction() as session:
        user = await UserStore(session).lock(account.id)
        assert user is not None
        await UserStore(session).update(user, {"hashed_password": "another"})
        opening = asyncio.create_task(open_for(app, account))
        await asyncio.sleep(0.3)
        assert not opening.done()
    assert await opening is None


async def test_a_login_is_a_lookup_and_one_statement(app: FastAPI, alice: Person) -> None:
    async with statements_of(app) as statements:
        assert (await log_in(at(app, HOME), alice.username)).status_code == 200
    lookup, opening = statements
    assert "FROM users" in lookup
    assert "open_plain_session" in opening
    assert await query(app, "SELECT client FROM login_tallies") == []


async def test_who_is_not_verified_is_let_in_unless_that_is_required(
    app: FastAPI, settings: Settings, alice: Person
) -> None:
    account = await account_of(app, alice)
    assert await open_for(app, account)
    async with app_with(settings, email_verification="required") as strict:
        assert await open_for(strict, account) is None
        await query(strict, "UPDATE users SET is_verified = true RETURNING id")
        assert await open_for(strict, account)


async def test_it_leaves_behind_what_a_judged_login_leaves(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    """The second comes after a wrong guess, and so is judged under locks."""
    client = at(app, HOME)
    first = await log_in(client, alice.username, scope="summaries:read org:read")
    client.cookies.clear()
    await guess(client, alice.username)
    async with statements_of(app) as statements:
        second = await log_in(client, alice.username, scope="summaries:read org:read")
    assert len(statements) > 2
    assert first.json().keys() == second.json().keys()
    assert (first.json()["scope"], first.headers.keys()) == (second.json()["scope"], second.headers.keys())
    for statement in (SESSIONS, ENTRIES):
        plain, judged = await ask(database_urls.superuser, statement)
        assert {k: v for k, v in plain.items() if k not in OWN} == {
            k: v for k, v in judged.items() if k not in OWN
        }
        assert {k for k, v in plain.items() if v is None} == {k for k, v in judged.items() if v is None}
    assert plain["request_id"] == first.headers["x-request-id"]
