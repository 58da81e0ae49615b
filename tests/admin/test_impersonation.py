"""Support in a user's name: who may, where, how long; what it cannot do; and who can see it."""

import asyncio
import json
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import Scope, StaffRole
from tests.admin.logs import Log
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.site_map import Route, routes_of

pytestmark = pytest.mark.integration

HOLDS_WITHIN_SECONDS = 2
TEXT = {"text": "A sentence to be summarised. " * 20}
# What would be done, were it allowed.
BODIES: dict[str, dict[str, str]] = {
    "summaries": TEXT,
    "api-keys": {"name": "mine"},
    "users/me": {"full_name": "Mine"},
}


@pytest.fixture
def log(database_urls: DatabaseUrls) -> Log:
    return Log(database_urls)


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    return routes_of(app)


def url(user_id: UUID) -> str:
    return f"/api/v1/admin/users/{user_id}/impersonate"


async def begin(client: AsyncClient, staff: Person, person: Person, **more: object) -> Response:
    body = {"organization_id": str(person.organization_id), "reason": "ticket 4711", **more}
    return await client.post(url(person.user_id), headers=staff.headers, json=body)


async def headers_of(client: AsyncClient, staff: Person, person: Person, **more: object) -> dict[str, str]:
    answer = await begin(client, staff, person, **more)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def told(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def change(app: FastAPI, tenant: Tenant, statement: str) -> None:
    async with app.state.database.transaction(tenant) as session:
        await session.execute(text(statement))


async def status(client: AsyncClient, headers: dict[str, str]) -> int:
    await asyncio.sleep(HOLDS_WITHIN_SECONDS)
    return (await client.get("/api/v1/summaries", headers=headers)).status_code


async def test_a_moderator_acts_in_nobodys_name(client: AsyncClient, mona: Person, alice: Person) -> None:
    assert told(await begin(client, mona, alice)) == (403, "insufficient_scope")


async def test_a_login_of_an_hour_ago_is_not_enough(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    tenant = Tenant(adam.organization_id, adam.user_id)
    await change(app, tenant, "UPDATE auth_sessions SET authenticated_at = now() - interval '1 hour'")
    assert told(await begin(client, adam, alice)) == (403, "recent_login_required")


async def test_nobody_acts_as_staff_or_as_themself(
    client: AsyncClient, adam: Person, mona: Person, root: Person
) -> None:
    assert told(await begin(client, root, mona)) == (403, "protected_account")
    assert told(await begin(client, adam, root)) == (403, "protected_account")
    assert told(await begin(client, adam, adam)) == (400, "own_account")


async def test_only_a_super_admin_may_write(
    client: AsyncClient, adam: Person, root: Person, alice: Person
) -> None:
    assert told(await begin(client, adam, alice, write=True)) == (403, "protected_account")
    headers = await headers_of(client, root, alice, write=True)
    assert (await client.post("/api/v1/summaries", headers=headers, json=TEXT)).status_code == 202


async def test_only_where_the_person_belongs_to(
    client: AsyncClient, adam: Person, alice: Person, charlie: Person
) -> None:
    elsewhere = str(charlie.organization_id)
    assert told(await begin(client, adam, alice, organization_id=elsewhere)) == (404, "member_not_found")
    unknown = str(new_id())
    assert told(await begin(client, adam, alice, organization_id=unknown)) == (404, "member_not_found")
    body = {"organization_id": elsewhere, "reason": "ticket 4711"}
    answer = await client.post(url(new_id()), headers=adam.headers, json=body)
    assert told(answer) == (404, "user_not_found")


async def test_not_somebody_whose_account_is_closed(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    await change(app, Tenant(), "UPDATE users SET is_active = false WHERE username = 'alice'")
    assert told(await begin(client, adam, alice)) == (404, "member_not_found")


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"minutes": 61}, {"reason": " "}, {"reason": "x" * 301}])
async def test_the_time_is_bounded_and_the_reason_given(
    client: AsyncClient, adam: Person, alice: Person, wrong: dict[str, object]
) -> None:
    assert (await begin(client, adam, alice, **wrong)).status_code == 422


async def test_an_organization_forbids_it_and_what_goes_on_ends(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    headers = await headers_of(client, adam, alice)
    assert await status(client, headers) == 200
    mine = f"/api/v1/organizations/{alice.organization_id}"
    seen = await client.patch(mine, headers=alice.headers, json={"support_access": False})
    assert seen.json()["support_access"] is False
    assert await status(client, headers) == 401
    assert told(await begin(client, adam, alice)) == (403, "support_forbidden")
    (entry,) = [
        one for one in await log.entries(alice.organization_id) if one["action"] == "organization_changed"
    ]
    assert json.loads(entry["details"]) == {"support_access": False}
    await client.patch(mine, headers=alice.headers, json={"support_access": True})
    assert (await begin(client, adam, alice)).status_code == 201


async def test_a_member_does_not_decide_on_support(client: AsyncClient, alice: Person, bob: Person) -> None:
    mine = f"/api/v1/organizations/{alice.organization_id}"
    answer = await client.patch(mine, headers=bob.headers, json={"support_access": False})
    assert told(answer) == (403, "insufficient_scope")


async def test_reading_is_all_that_it_is_for(client: AsyncClient, adam: Person, alice: Person) -> None:
    answer = await begin(client, adam, alice)
    scopes = set(answer.json()["scope"].split())
    assert scopes == {str(scope) for scope in Scope if scope.endswith(":read")} - {"users:read"}
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).json()["username"] == "alice"
    for method, path in (
        ("POST", "summaries"),
        ("POST", "api-keys"),
        ("PATCH", "users/me"),
    ):
        refused = await client.request(method, f"/api/v1/{path}", headers=headers, json=BODIES.get(path))
        assert told(refused) == (403, "insufficient_scope")


async def test_nothing_that_takes_a_login_is_done_in_anothers_name(
    client: AsyncClient, root: Person, alice: Person
) -> None:
    headers = await headers_of(client, root, alice, write=True)
    answer = await client.get("/api/v1/users/me/export", headers=headers)
    assert told(answer) == (403, "recent_login_required")
    for method, path in (
        ("POST", "api-keys"),
        ("DELETE", "users/me"),
        ("POST", "auth/logout-all"),
    ):
        refused = await client.request(method, f"/api/v1/{path}", headers=headers, json=BODIES.get(path))
        assert told(refused) == (403, "insufficient_scope")


async def test_it_does_not_lead_into_another_organisation_or_a_session_of_its_own(
    client: AsyncClient, app: FastAPI, root: Person, alice: Person
) -> None:
    begun = (await begin(client, root, alice, write=True)).json()
    headers = {"Authorization": f"Bearer {begun['access_token']}"}
    body = {"organization_id": str(alice.organization_id)}
    answer = await client.post("/api/v1/auth/switch", headers=headers, json=body)
    assert told(answer) == (403, "impersonated")
    # As if its secret were known: the session itself cannot be refreshed.
    forged = app.state.refresh_tokens.mint(UUID(begun["session_id"]), counter=0)
    assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": forged})).status_code == 401


READING = {"POST /api/v1/auth/logout", "POST /api/v1/summaries/ws-ticket"}


async def test_whatever_writes_is_refused_however_little_scope_it_asks_for(
    client: AsyncClient, routes: list[Route], adam: Person, alice: Person, subtests: pytest.Subtests
) -> None:
    headers = await headers_of(client, adam, alice)
    for route in routes:
        if route.method != "GET" and not route.is_anonymous and route.name not in READING:
            path = route.fill(alice.organization_id)
            body = {**route.body, "json": {"organization_id": str(alice.organization_id)}}
            kept = body if route.path.endswith("/switch") else route.body
            answer = await client.request(route.method, path, headers=headers, **kept)
            with subtests.test(route.name):
                assert answer.status_code == 403, answer.text


async def test_the_session_ends_when_it_was_said(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    answer = await begin(client, adam, alice, minutes=5)
    assert 0 < answer.json()["expires_in"] <= 300
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert await status(client, headers) == 200
    tenant = Tenant(alice.organization_id, alice.user_id)
    over = "UPDATE auth_sessions SET absolute_expires_at = now() WHERE impersonator_id IS NOT NULL"
    await change(app, tenant, over)
    assert await status(client, headers) == 401


async def test_a_token_lives_no_longer_than_any_and_is_given_anew_for_the_same_session(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    first, second = [(await begin(client, adam, alice, minutes=60)).json() for _ in range(2)]
    assert first["expires_in"] <= 900
    assert (first["session_id"], first["expires_at"]) == (second["session_id"], second["expires_at"])
    assert await log.actions(alice.organization_id) == ["impersonation_started"]


async def test_it_ends_with_what_the_staff_may(
    client: AsyncClient, app: FastAPI, adam: Person, alice: Person
) -> None:
    headers = await headers_of(client, adam, alice)
    assert await status(client, headers) == 200
    await change(app, Tenant(), "UPDATE users SET role = 'moderator' WHERE username = 'adam'")
    assert await status(client, headers) == 401
    await change(app, Tenant(), "UPDATE users SET role = 'admin' WHERE username = 'adam'")
    assert await status(client, headers) == 200
    await change(app, Tenant(), "UPDATE users SET role = 'admin' WHERE username = 'alice'")
    assert await status(client, headers) == 401


async def test_its_user_sees_it_and_ends_it(client: AsyncClient, adam: Person, alice: Person) -> None:
    headers = await headers_of(client, adam, alice)
    sessions = (await client.get("/api/v1/auth/sessions", headers=alice.headers)).json()["items"]
    assert [one["impersonated"] for one in sessions] == [True, False]
    session_id = sessions[0]["id"]
    ended = await client.delete(f"/api/v1/auth/sessions/{session_id}", headers=alice.headers)
    assert ended.status_code == 204
    assert await status(client, headers) == 401


async def test_whoever_began_it_ends_it_and_nobody_elses(
    client: AsyncClient, adam: Person, root: Person, alice: Person, log: Log
) -> None:
    adams, roots = await headers_of(client, adam, alice), await headers_of(client, root, alice)
    assert (await client.delete(url(alice.user_id), headers=adam.headers)).status_code == 204
    assert (await status(client, adams), await status(client, roots)) == (401, 200)
    assert (await client.get("/api/v1/summaries", headers=alice.headers)).status_code == 200
    assert (await log.actions(alice.organization_id))[-1] == "impersonation_ended"
    answer = await client.delete(url(new_id()), headers=adam.headers)
    assert told(answer) == (404, "user_not_found")


async def test_the_tenant_reads_who_why_and_what_was_done(
    client: AsyncClient, root: Person, alice: Person, log: Log
) -> None:
    headers = await headers_of(client, root, alice, write=True)
    body = {"refresh_token": alice.refresh_token}
    await client.post("/api/v1/auth/logout", headers=headers, json=body)
    entries = {one["action"]: one for one in await log.entries(alice.organization_id)}
    began = entries["impersonation_started"]
    assert (began["actor_kind"], began["actor_id"], began["subject_id"]) == (
        "staff",
        root.user_id,
        alice.user_id,
    )
    assert json.loads(began["details"]) == {"reason": "ticket 4711", "minutes": 15, "write": True}
    assert json.loads(entries["logout"]["details"])["impersonated_by"] == str(root.user_id)
    assert await log.actions() == ["impersonation_started"]


async def test_what_the_user_does_beside_it_is_their_own(
    client: AsyncClient, root: Person, alice: Person, log: Log
) -> None:
    headers = await headers_of(client, root, alice)
    await client.get("/api/v1/users/me", headers=headers)
    await client.post("/api/v1/auth/logout-all", headers=alice.headers)
    (entry,) = [one for one in await log.entries(alice.organization_id) if one["action"] == "logout"]
    assert "impersonated_by" not in json.loads(entry["details"])


async def test_staff_made_of_the_user_later_gain_nothing_by_it(
    client: AsyncClient, factory: Factory, adam: Person
) -> None:
    stan = await factory.person("stan", role=StaffRole.USER)
    headers = await headers_of(client, adam, stan)
    answer = await client.get("/api/v1/admin/dashboard", headers=headers)
    assert told(answer) == (403, "insufficient_scope")
