"""Staff and people: who may, whom nobody may, what is found, what ends."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.audit.events import AuditAction
from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import MembershipRole, StaffRole
from app.users.store import UserStore
from tests.admin.logs import Log
from tests.factories import PASSWORD, Factory, Person, Robot
from tests.servers import DatabaseUrls
from tests.summaries.feeds.addresses import make, read

pytestmark = pytest.mark.integration

USERS = "/api/v1/admin/users"
DEEDS = ("deactivate", "activate", "unlock")
HOLDS_WITHIN_SECONDS = 2


@pytest.fixture
def log(database_urls: DatabaseUrls) -> Log:
    return Log(database_urls)


async def act(client: AsyncClient, staff: Person, user_id: UUID, deed: str) -> Response:
    return await client.post(f"{USERS}/{user_id}/{deed}", headers=staff.headers)


async def put_role(client: AsyncClient, staff: Person, user_id: UUID, **body: str) -> Response:
    return await client.put(f"{USERS}/{user_id}/role", headers=staff.headers, json=body)


async def names(client: AsyncClient, staff: Person, query: str) -> list[str]:
    answer = await client.get(f"{USERS}?{query}", headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return [item["username"] for item in answer.json()["items"]]


def told(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_moderator_reads_people_and_changes_none(
    client: AsyncClient, mona: Person, alice: Person
) -> None:
    assert (await client.get(USERS, headers=mona.headers)).status_code == 200
    for deed in DEEDS:
        assert told(await act(client, mona, alice.user_id, deed)) == (403, "insufficient_scope")
    assert told(await put_role(client, mona, alice.user_id, role="moderator")) == (403, "insufficient_scope")


async def test_nobody_changes_their_own_account(client: AsyncClient, adam: Person, root: Person) -> None:
    for staff in (adam, root):
        for deed in DEEDS:
            assert told(await act(client, staff, staff.user_id, deed)) == (400, "own_account")
        assert told(await put_role(client, staff, staff.user_id, role="user")) == (400, "own_account")


async def test_a_super_admin_is_changed_by_nobody(
    client: AsyncClient, factory: Factory, adam: Person, root: Person
) -> None:
    other = await factory.person("root2", role=StaffRole.SUPER_ADMIN)
    for staff in (adam, root):
        for deed in DEEDS:
            assert told(await act(client, staff, other.user_id, deed)) == (403, "protected_account")
        assert told(await put_role(client, staff, other.user_id, role="user")) == (403, "protected_account")


async def test_nobody_is_made_super_admin(
    client: AsyncClient, adam: Person, root: Person, alice: Person
) -> None:
    for staff in (adam, root):
        answer = await put_role(client, staff, alice.user_id, role="super_admin")
        assert told(answer) == (403, "protected_account")


@pytest.mark.parametrize("body", [{}, {"role": "emperor"}, {"role": "user", "new_role": "admin"}])
async def test_a_role_that_is_none_or_two_is_422(
    client: AsyncClient, root: Person, alice: Person, body: dict[str, str]
) -> None:
    assert (await put_role(client, root, alice.user_id, **body)).status_code == 422


async def test_somebody_who_never_was_is_404(client: AsyncClient, root: Person) -> None:
    for deed in DEEDS:
        assert told(await act(client, root, new_id(), deed)) == (404, "user_not_found")
    assert told(await put_role(client, root, new_id(), role="user")) == (404, "user_not_found")
    answer = await client.get(f"{USERS}/{new_id()}", headers=root.headers)
    assert told(answer) == (404, "user_not_found")


@pytest.mark.parametrize("query", ["role=king", "is_active=perhaps", "q=", "q=%00", "offset=3", "cursor=x"])
async def test_a_filter_that_is_none_is_422(client: AsyncClient, root: Person, query: str) -> None:
    assert (await client.get(f"{USERS}?{query}", headers=root.headers)).status_code == 422


@pytest.mark.parametrize("name", ["role", "new_role"])
@pytest.mark.parametrize("place", ["json", "params"])
async def test_a_role_is_named_either_way_in_body_or_query(
    client: AsyncClient, root: Person, alice: Person, name: str, place: str
) -> None:
    url = f"{USERS}/{alice.user_id}/role"
    given: dict[str, Any] = {place: {name: "moderator"}}  # Any: keyword arguments
    answer = await client.request("PUT", url, headers=root.headers, **given)
    assert (answer.status_code, answer.json()["role"]) == (200, "moderator")


async def test_a_new_role_ends_the_sessions_of_the_old_one_and_is_written_down(
    client: AsyncClient, root: Person, adam: Person, log: Log
) -> None:
    dashboard = "/api/v1/admin/dashboard"
    assert (await client.get(dashboard, headers=adam.headers)).status_code == 200
    assert (await put_role(client, root, adam.user_id, role="user")).status_code == 200
    await asyncio.sleep(HOLDS_WITHIN_SECONDS)
    assert (await client.get(dashboard, headers=adam.headers)).status_code == 401
    (entry,) = [entry for entry in await log.entries() if entry["action"] == AuditAction.ROLE_CHANGED]
    assert (entry["actor_id"], entry["subject_id"]) == (root.user_id, adam.user_id)
    assert (entry["actor_kind"], str(entry["address"])) == ("staff", "127.0.0.1")
    assert '"from": "admin"' in entry["details"]


async def test_the_same_role_again_changes_nothing(
    client: AsyncClient, root: Person, alice: Person, log: Log
) -> None:
    assert (await put_role(client, root, alice.user_id, role="user")).status_code == 200
    assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200
    assert await log.actions() == []


async def test_deactivation_ends_every_session_and_key(
    client: AsyncClient, adam: Person, alice: Person, robot: Robot, log: Log
) -> None:
    for headers in (alice.headers, robot.headers):
        assert (await client.get("/api/v1/summaries", headers=headers)).status_code == 200
    answer = await act(client, adam, alice.user_id, "deactivate")
    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    await asyncio.sleep(HOLDS_WITHIN_SECONDS)
    for headers in (alice.headers, robot.headers):
        assert (await client.get("/api/v1/summaries", headers=headers)).status_code == 401
    assert await log.actions() == ["account_deactivated"]
    assert await log.actions(alice.organization_id) == ["api_key_generated", "api_key_revoked"]


async def test_a_second_deactivation_is_written_down_once(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    for _ in range(2):
        assert (await act(client, adam, alice.user_id, "deactivate")).status_code == 200
    assert await log.actions() == ["account_deactivated"]


async def test_activation_lets_somebody_log_in_again_and_nothing_old_works(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    await act(client, adam, alice.user_id, "deactivate")
    assert (await act(client, adam, alice.user_id, "activate")).json()["is_active"] is True
    form = {"username": "alice", "password": PASSWORD}
    assert (await client.post("/api/v1/auth/token", data=form)).status_code == 200
    body = {"refresh_token": alice.refresh_token}
    assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 401
    assert await log.actions() == ["account_deactivated", "account_activated"]


async def test_a_feed_of_before_does_not_come_back_with_the_account(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    feed = await make(client, alice)
    await act(client, adam, alice.user_id, "deactivate")
    await act(client, adam, alice.user_id, "activate")
    assert (await read(client, feed)).status_code == 404
    assert await log.actions(alice.organization_id) == ["feed_created", "feed_revoked"]


async def test_an_account_that_its_owner_closed_is_opened_within_the_grace(
    client: AsyncClient, adam: Person, alice: Person
) -> None:
    await client.request("DELETE", "/api/v1/users/me", headers=alice.headers)
    seen = await client.get(f"{USERS}/{alice.user_id}", headers=adam.headers)
    assert seen.json()["erase_after"] is not None
    assert (await act(client, adam, alice.user_id, "activate")).status_code == 200
    seen = await client.get(f"{USERS}/{alice.user_id}", headers=adam.headers)
    assert (seen.json()["erase_after"], seen.json()["is_active"]) == (None, True)


async def test_unlocking_lets_the_right_password_in_again(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    for _ in range(5):
        form = {"username": "alice", "password": "wrong"}
        await client.post("/api/v1/auth/token", data=form)
    seen = await client.get(f"{USERS}/{alice.user_id}", headers=adam.headers)
    assert seen.json()["is_locked"] is True
    assert (await act(client, adam, alice.user_id, "unlock")).status_code == 200
    seen = await client.get(f"{USERS}/{alice.user_id}", headers=adam.headers)
    assert seen.json()["is_locked"] is False
    assert (await log.actions())[-1] == "account_unlocked"


async def test_people_are_found_by_the_beginning_of_name_or_address(
    client: AsyncClient, root: Person, alice: Person, bob: Person
) -> None:
    assert await names(client, root, "q=ali") == ["alice"]
    assert await names(client, root, "q=BOB@EXAMPLE") == ["bob"]
    assert await names(client, root, "q=lice") == []
    assert await names(client, root, "q=a%25") == []
    assert await names(client, root, "q=_lice") == []
    assert alice.user_id != bob.user_id


async def test_people_are_filtered_and_paged_newest_first(
    client: AsyncClient, root: Person, adam: Person, alice: Person, bob: Person
) -> None:
    assert {adam.username, alice.username, bob.username} <= set(await names(client, root, "limit=100"))
    assert await names(client, root, "role=admin") == ["adam"]
    await act(client, root, bob.user_id, "deactivate")
    assert await names(client, root, "is_active=false") == ["bob"]
    first = await client.get(f"{USERS}?limit=2", headers=root.headers)
    cursor = first.json()["next_cursor"]
    rest = await names(client, root, f"limit=2&cursor={cursor}")
    assert [item["username"] for item in first.json()["items"]] + rest == ["bob", "alice", "adam", "root"]


async def test_the_author_of_erased_work_is_nobody_to_staff(
    client: AsyncClient, app: FastAPI, root: Person
) -> None:
    async with app.state.database.transaction(Tenant()) as session:
        nobody = await UserStore(session).create(
            {
                "username": "[erased]",
                "email": "erased@users.invalid",
                "hashed_password": "",
                "is_active": False,
            }
        )
    assert await names(client, root, "is_active=false") == []
    assert told(await act(client, root, nobody.id, "activate")) == (404, "user_not_found")


async def test_one_person_is_shown_with_where_they_belong_to(
    client: AsyncClient, mona: Person, factory: Factory, alice: Person, robot: Robot
) -> None:
    guest = await factory.member("guest", alice.organization_id, role=MembershipRole.VIEWER)
    seen = (await client.get(f"{USERS}/{guest.user_id}", headers=mona.headers)).json()
    assert [place["role"] for place in seen["memberships"]] == ["owner", "viewer"]
    assert seen["memberships"][1]["organization_id"] == str(alice.organization_id)
    assert (seen["sessions"], seen["api_keys"], seen["is_locked"]) == (1, 0, False)
    owner = (await client.get(f"{USERS}/{robot.user_id}", headers=mona.headers)).json()
    assert owner["api_keys"] == 1
    assert "hashed_password" not in owner
