"""Erasing: all that is the person's, nothing that is others', whatever happens to the worker."""

import json

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.accounts.erasure import erase_due_accounts
from app.accounts.repository import NOBODY, PlaceRepository
from app.core.db import Database, Tenant
from app.core.principal import MembershipRole
from tests.accounts.leaving import close, count, erase, receipt_of, signed
from tests.accounts.post import Post
from tests.catalogue import ask
from tests.factories import PASSWORD, Factory, Person, Robot
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration

FOREIGN_KEYS = """
SELECT conrelid::regclass::text AS name, confdeltype::text AS action FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'users'::regclass
"""
USER_COLUMNS = """
SELECT c.relname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attname IN ('user_id', 'account_id') AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


async def test_nothing_is_erased_before_its_time(
    client: AsyncClient, database: Database, alice: Person, database_urls: DatabaseUrls
) -> None:
    await close(client, alice)
    assert await erase_due_accounts(database) == 0
    assert await count(database_urls, "users", id=alice.user_id) == 1


async def test_an_account_that_staff_closed_is_not_erased(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE users SET is_active = false"))
    assert await erase(app) == 0
    assert await count(database_urls, "users", id=alice.user_id) == 1


async def test_all_that_is_theirs_goes(
    client: AsyncClient, app: FastAPI, robot: Robot, alice: Person, database_urls: DatabaseUrls
) -> None:
    await create(client, alice)
    await create(client, alice, visibility="organization")
    receipt = await close(client, alice)
    assert await erase(app) == 1
    assert await count(database_urls, "users") == 0
    for table in ("organizations", "memberships", "auth_sessions", "api_keys", "summaries"):
        assert await count(database_urls, table) == 0, table
    assert await count(database_urls, "summary_contents") == 0
    counts = (await receipt_of(database_urls, receipt))["counts"]
    assert (counts["summaries"], counts["organizations"], robot.user_id) == (2, 1, alice.user_id)


async def test_every_table_that_names_a_person_is_rid_of_them(database_urls: DatabaseUrls) -> None:
    """By the person's own row, whose end takes along all that hangs on it."""
    keys = {(row["name"], row["action"]) for row in await ask(database_urls.superuser, FOREIGN_KEYS)}
    # 'c' cascades. 'n' leaves no name: on a receipt, and on an invitation to somebody else.
    kept = {(name, action) for name, action in keys if action != "c"}
    assert kept == {("account_erasures", "n"), ("invitations", "n")}
    named = {row["name"] for row in await ask(database_urls.superuser, USER_COLUMNS)}
    # Codes hang on the factor they stand in for; tallies are deleted; a bill's id leads nowhere.
    assert named - {name for name, _ in keys} == {"recovery_codes", "login_tallies", "usage_days"}


async def test_guesses_at_the_account_are_forgotten(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    wrong = {"username": alice.username, "password": "Wrong-Horse-9-Battery"}
    await client.post("/api/v1/auth/token", data=wrong)
    assert await count(database_urls, "login_tallies", account_id=alice.user_id) > 0
    await close(client, alice)
    await erase(app)
    assert await count(database_urls, "login_tallies", account_id=alice.user_id) == 0


async def test_elsewhere_private_things_go_and_shared_ones_stay_without_a_name(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, database_urls: DatabaseUrls
) -> None:
    await create(client, alice)
    await create(client, bob)
    await create(client, bob, visibility="organization")
    trashed = await create(client, bob, visibility="organization")
    await client.delete(f"{PATH}/{trashed['id']}", headers=bob.headers)
    receipt = await close(client, bob)
    assert await erase(app) == 1
    assert await signed(app, alice.organization_id) == [(NOBODY, "organization"), ("alice", "private")]
    counts = (await receipt_of(database_urls, receipt))["counts"]
    # His own organisation, and his place in alice's.
    assert counts == {
        "summaries": 2,
        "summaries_kept_unsigned": 1,
        "organizations": 1,
        "organizations_left": 1,
        "sessions": 1,
        "api_keys": 0,
    }


async def test_an_invitation_to_their_address_goes_and_the_organisation_reads_that_they_left(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, database_urls: DatabaseUrls
) -> None:
    invited = text(
        "INSERT INTO invitations (id, organization_id, email, role, invited_by, expires_at, accepted_at)"
        " VALUES (gen_random_uuid(), :organization_id, :email, 'member', :by, now(), now())"
    )
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        for name in ("bob", "dave"):
            row = {
                "organization_id": alice.organization_id,
                "by": bob.user_id,
                "email": f"{name}@example.com",
            }
            await session.execute(invited, row)
    await close(client, bob)
    assert await erase(app) == 1
    (left,) = await ask(database_urls.superuser, "SELECT email, invited_by FROM invitations")
    assert (left["email"], left["invited_by"]) == ("dave@example.com", None)
    logged = {"organization_id": alice.organization_id, "action": "member_left"}
    assert await count(database_urls, "audit_entries", **logged) == 1


async def test_what_was_written_where_one_has_left_goes_too(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, database: Database
) -> None:
    await create(client, bob)
    await create(client, bob, visibility="organization")
    own = Tenant(alice.organization_id, alice.user_id)
    async with database.transaction(own) as session:
        await session.execute(text("DELETE FROM memberships WHERE user_id = :id"), {"id": bob.user_id})
    login = {"username": bob.username, "password": PASSWORD}
    token = (await client.post("/api/v1/auth/token", data=login)).json()["access_token"]
    gone = await client.delete("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert (gone.status_code, await erase(app)) == (200, 1)
    assert await signed(app, alice.organization_id) == [(NOBODY, "organization")]


async def test_nobody_can_log_in_as_nobody(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    await create(client, bob, visibility="organization")
    await close(client, bob)
    await erase(app)
    for login in (NOBODY, "erased@users.invalid"):
        answer = await client.post("/api/v1/auth/token", data={"username": login, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    registration = {"username": NOBODY, "email": "x@example.com", "password": "Walnut-Bridge-42-rain"}
    assert (await client.post("/api/v1/users/register", json=registration)).status_code == 422
    assert alice.username == "alice"


async def test_the_name_and_the_address_are_free_again(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    registration = {
        "username": alice.username,
        "email": "alice@example.com",
        "password": "Walnut-Bridge-42-rain",
    }
    await close(client, alice)
    assert (await client.post("/api/v1/users/register", json=registration)).status_code == 409
    await erase(app)
    assert (await client.post("/api/v1/users/register", json=registration)).status_code == 201


async def test_the_receipt_and_the_log_name_nobody(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    receipt = await close(client, alice)
    await erase(app)
    row = await receipt_of(database_urls, receipt)
    assert (row["user_id"], row["erased_at"] is not None) == (None, True)
    query = "SELECT * FROM audit_entries WHERE action = 'account_erased'"
    (entry,) = await ask(database_urls.superuser, query)
    assert entry["target_id"] == receipt
    assert [entry[name] for name in ("organization_id", "actor_id", "subject_id", "address")] == [None] * 4
    assert str(alice.user_id) not in str(row) + str(entry)
    assert json.loads(entry["details"]) == row["counts"]


async def test_the_mail_goes_to_an_address_that_nothing_else_knows(
    client: AsyncClient, app: FastAPI, alice: Person, post: Post
) -> None:
    receipt = await close(client, alice)
    await erase(app)
    *_, letter = await post.deliver()
    assert letter.recipient == "alice@example.com"
    assert (alice.username in letter.text, str(receipt) in letter.text) == (True, True)
    assert "Organizations: 1" in letter.text


async def test_an_organisation_whose_other_owner_left_meanwhile_is_handed_on(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, bob: Person, database: Database
) -> None:
    await factory.member("dave", alice.organization_id, role=MembershipRole.VIEWER)
    carol = await factory.member("carol", alice.organization_id, role=MembershipRole.OWNER)
    await close(client, alice)
    own = Tenant(alice.organization_id)
    async with database.transaction(own) as session:
        await session.execute(text("DELETE FROM memberships WHERE user_id = :id"), {"id": carol.user_id})
    assert await erase(app) == 1
    async with database.transaction(own) as session:
        roles = await session.execute(text("SELECT user_id FROM memberships WHERE role = 'owner'"))
        assert list(roles.scalars()) == [bob.user_id]
        logged = text("SELECT count(*) FROM audit_entries WHERE action = 'member_role_changed'")
        assert await session.scalar(logged) == 1


async def test_an_organisation_that_somebody_joined_meanwhile_is_not_deleted(
    app: FastAPI, alice: Person, bob: Person, database: Database
) -> None:
    async with database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        place = PlaceRepository(session, alice.organization_id, alice.user_id)
        assert await place.delete_organization() == 0
    assert bob.organization_id == alice.organization_id
    assert app.state.database is database
