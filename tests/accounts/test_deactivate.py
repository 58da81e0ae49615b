"""Closing one's account: at once, everywhere, and not over others' heads."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.accounts.deactivation import reactivate
from app.accounts.errors import AccountBeingErasedError, AccountGoneError
from app.accounts.repository import ErasureRepository
from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import MembershipRole, Scope
from tests.accounts.leaving import ME, close, count, erase, let_grace_pass, receipt_of
from tests.accounts.post import Post
from tests.factories import PASSWORD, Factory, Person, Robot
from tests.servers import DatabaseUrls
from tests.summaries.feeds.addresses import make, read

pytestmark = pytest.mark.integration
AGE_LOGINS = text(
    "UPDATE auth_sessions SET created_at = created_at - interval '16 min', authenticated_at = NULL"
)


async def test_an_api_key_cannot_close_the_account(client: AsyncClient, robot: Robot) -> None:
    answer = await client.delete(ME, headers=robot.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_token_without_the_scope_cannot_close_the_account(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    assert (await client.delete(ME, headers=narrow.headers)).status_code == 403


async def test_an_old_login_cannot_close_the_account(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(AGE_LOGINS)
    answer = await client.delete(ME, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "recent_login_required")
    assert (await client.get(ME, headers=alice.headers)).json()["is_active"] is True


async def test_the_last_owner_does_not_leave_the_others_behind(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    answer = await client.delete(ME, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert "owner" in answer.json()["hint"]
    assert [(await client.get(ME, headers=who.headers)).status_code for who in (alice, bob)] == [200, 200]


async def test_an_owner_beside_another_may_leave(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    await factory.member("carol", alice.organization_id, role=MembershipRole.OWNER)
    await close(client, alice)


async def test_an_owner_who_is_leaving_does_not_count(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person
) -> None:
    carol = await factory.member("carol", alice.organization_id, role=MembershipRole.OWNER)
    await close(client, carol)
    assert (await client.delete(ME, headers=alice.headers)).json()["code"] == "last_owner"
    assert bob.organization_id == alice.organization_id


async def test_of_two_owners_who_leave_at_once_one_stays(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person
) -> None:
    carol = await factory.member("carol", alice.organization_id, role=MembershipRole.OWNER)
    answers = await asyncio.gather(*(client.delete(ME, headers=who.headers) for who in (alice, carol)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert bob.username == "bob"


async def test_an_organisation_that_is_deleted_holds_nobody_back(
    app: FastAPI, alice: Person, bob: Person
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text("UPDATE organizations SET erase_after = now() + interval '1 day'"))
    async with app.state.database.transaction(Tenant(user_id=alice.user_id)) as session:
        owned = await ErasureRepository(session).owned(alice.user_id)
    assert (owned, bob.organization_id) == ([], alice.organization_id)


async def test_every_credential_ends_at_once(
    client: AsyncClient, factory: Factory, alice: Person, robot: Robot
) -> None:
    other = await factory.with_scopes(alice, *Scope)
    await close(client, alice)
    for headers in (alice.headers, other.headers, robot.headers):
        assert (await client.get(ME, headers=headers)).status_code == 401
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": alice.refresh_token})
    login = await client.post("/api/v1/auth/token", data={"username": "alice", "password": PASSWORD})
    assert (refreshed.status_code, login.status_code) == (401, 401)


async def test_nobody_elses_credential_ends(client: AsyncClient, alice: Person, charlie: Person) -> None:
    await close(client, alice)
    assert (await client.get(ME, headers=charlie.headers)).status_code == 200


async def test_the_clock_is_told_logged_and_mailed(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls, post: Post
) -> None:
    receipt = await close(client, alice)
    erasure = await receipt_of(database_urls, receipt)
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    assert abs(erasure["erase_after"] - in_a_month) < timedelta(minutes=1)
    assert (erasure["user_id"], erasure["started_at"], erasure["counts"]) == (alice.user_id, None, {})
    logged = {"action": "account_deactivated", "subject_id": alice.user_id, "target_id": receipt}
    assert await count(database_urls, "audit_entries", **logged) == 1
    (letter,) = await post.deliver()
    assert (letter.recipient, str(receipt) in letter.text) == ("alice@example.com", True)


async def test_the_cookies_go_too(client: AsyncClient, alice: Person) -> None:
    ours = {"Sec-Fetch-Site": "same-origin"}
    form = {"username": alice.username, "password": PASSWORD}
    await client.post("/api/v1/auth/login", headers=ours, data=form)
    assert (await client.delete(ME, headers=ours)).status_code == 200
    assert "access_token" not in client.cookies


async def test_closing_twice_at_once_is_done_once(
    client: AsyncClient, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    other = await factory.with_scopes(alice, *Scope)
    answers = await asyncio.gather(*(client.delete(ME, headers=who.headers) for who in (alice, other)))
    assert min(answer.status_code for answer in answers) == 200
    assert {answer.status_code for answer in answers} <= {200, 401, 404}
    assert await count(database_urls, "account_erasures") == 1


async def test_staff_can_undo_it_in_time(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await close(client, alice)
    async with app.state.database.transaction() as session:
        await reactivate(session, alice.user_id)
    assert await erase(app) == 0
    assert await count(database_urls, "account_erasures") == 0
    login = await client.post("/api/v1/auth/token", data={"username": "alice", "password": PASSWORD})
    assert login.status_code == 200
    # What was ended stays ended.
    assert (await client.get(ME, headers=alice.headers)).status_code == 401


async def test_it_is_too_late_once_erasing_has_begun(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await close(client, alice)
    await let_grace_pass(app)
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE account_erasures SET started_at = now()"))
        with pytest.raises(AccountBeingErasedError):
            await reactivate(session, alice.user_id)
        with pytest.raises(AccountGoneError):
            await reactivate(session, new_id())


async def test_a_feed_of_before_does_not_come_back_with_the_account(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    feed = await make(client, alice)
    await close(client, alice)
    async with app.state.database.transaction(Tenant(user_id=alice.user_id)) as session:
        await reactivate(session, alice.user_id)
    assert (await read(client, feed)).status_code == 404
