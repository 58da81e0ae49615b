"""Members: who may not, the matrix of roles over HTTP, the last owner under concurrency."""

import asyncio
import itertools
from functools import partial
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.core.principal_cache import LIFETIME_SECONDS
from app.organizations.rules import may_manage
from tests.factories import Factory, Person, Robot
from tests.organizations.audited import audited

pytestmark = pytest.mark.integration
URL = "/api/v1/organizations"
VIEWER, MEMBER, ADMIN, OWNER = MembershipRole


def members(person: Person, user_id: UUID | None = None) -> str:
    return f"{URL}/{person.organization_id}/members" + (f"/{user_id}" if user_id else "")


async def set_role(client: AsyncClient, actor: Person, target: Person, role: MembershipRole) -> Response:
    return await client.patch(members(actor, target.user_id), headers=actor.headers, json={"role": role})


async def test_unknown_members_are_404(client: AsyncClient, alice: Person) -> None:
    for user_id in (new_id(), "nonsense"):
        answer = await client.delete(f"{members(alice)}/{user_id}", headers=alice.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "member_not_found")


async def test_members_are_shown_to_members_only(client: AsyncClient, bob: Person, factory: Factory) -> None:
    own = await factory.person("erin")
    guest = await factory.member("fred", own.organization_id, role=OWNER)
    answer = await client.get(members(own), headers=bob.headers)
    assert answer.status_code == 404
    assert (await client.get(members(own), headers=guest.headers)).status_code == 200


async def test_every_pair_of_roles_obeys_the_table(
    client: AsyncClient, factory: Factory, alice: Person, subtests: pytest.Subtests
) -> None:
    targets = {
        role: await factory.member(f"target-{role}", alice.organization_id, role=role)
        for role in MembershipRole
    }
    for actor_role, before in itertools.product(MembershipRole, MembershipRole):
        name = f"{actor_role}-{before}"
        actor = await factory.member(f"actor-{name}", alice.organization_id, role=actor_role)
        answer = await set_role(client, actor, targets[before], before)
        with subtests.test(name):
            manages = actor_role in {ADMIN, OWNER} and may_manage(actor_role, before, before)
            assert answer.status_code == (200 if manages else 403), answer.text


async def test_an_admin_removes_no_owner(client: AsyncClient, factory: Factory, alice: Person) -> None:
    admin = await factory.member("adam", alice.organization_id, role=ADMIN)
    await factory.member("olga", alice.organization_id, role=OWNER)
    answer = await client.delete(members(admin, alice.user_id), headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_manageable")


async def test_an_api_key_makes_and_removes_no_owner(
    client: AsyncClient, factory: Factory, robot: Robot, alice: Person, bob: Person
) -> None:
    olga = await factory.member("olga", alice.organization_id, role=OWNER)
    raised = await client.patch(members(alice, bob.user_id), headers=robot.headers, json={"role": "owner"})
    removed = await client.delete(members(alice, olga.user_id), headers=robot.headers)
    assert {raised.json()["code"], removed.json()["code"]} == {"recent_login_required"}


async def test_an_owner_who_cannot_log_in_does_not_count(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    olga = await factory.member("olga", alice.organization_id, role=OWNER)
    await factory.deactivate(olga)
    left = await client.post(f"{URL}/{alice.organization_id}/leave", headers=alice.headers)
    given = await client.post(
        f"{URL}/{alice.organization_id}/transfer", headers=alice.headers, json={"user_id": str(olga.user_id)}
    )
    assert [left.json()["code"], given.json()["code"]] == ["last_owner", "member_not_found"]


async def test_who_hands_over_to_themself_stays_owner(client: AsyncClient, alice: Person) -> None:
    url = f"{URL}/{alice.organization_id}/transfer"
    answer = await client.post(url, headers=alice.headers, json={"user_id": str(alice.user_id)})
    assert (answer.status_code, answer.json()["role"]) == (200, "owner")


async def test_an_admin_makes_nobody_an_admin(client: AsyncClient, factory: Factory, bob: Person) -> None:
    admin = await factory.member("adam", bob.organization_id, role=ADMIN)
    answer = await set_role(client, admin, bob, ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_manageable")
    assert (await set_role(client, admin, admin, OWNER)).status_code == 403


async def test_the_last_owner_stays(client: AsyncClient, alice: Person, bob: Person) -> None:
    demoted = await set_role(client, alice, alice, ADMIN)
    removed = await client.delete(members(alice, alice.user_id), headers=alice.headers)
    left = await client.post(f"{URL}/{alice.organization_id}/leave", headers=alice.headers)
    assert [answer.json()["code"] for answer in (demoted, removed, left)] == ["last_owner"] * 3
    assert bob.organization_id == alice.organization_id


async def test_two_owners_who_demote_each_other_at_once_leave_one(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    for round_number in range(5):
        other = await factory.member(f"owner-{round_number}", alice.organization_id, role=OWNER)
        await asyncio.gather(set_role(client, alice, other, ADMIN), set_role(client, other, alice, ADMIN))
        listed = (await client.get(members(alice), headers=alice.headers)).json()["items"]
        owners = [item for item in listed if item["role"] == "owner"]
        assert len(owners) == 1
        if owners[0]["user_id"] != str(alice.user_id):
            alice = other


async def test_an_api_key_neither_leaves_nor_hands_over(
    client: AsyncClient, robot: Robot, alice: Person, bob: Person
) -> None:
    url = f"{URL}/{alice.organization_id}"
    left = await client.post(f"{url}/leave", headers=robot.headers)
    given = await client.post(f"{url}/transfer", headers=robot.headers, json={"user_id": str(bob.user_id)})
    assert {left.json()["code"], given.json()["code"]} == {"recent_login_required"}


async def test_a_demoted_member_loses_scopes_within_two_seconds(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    body = {"text": "A sentence to be summarised. " * 20}
    submit = partial(client.post, "/api/v1/summaries", json=body, headers=bob.headers)
    assert (await submit()).status_code == 202
    assert (await set_role(client, alice, bob, VIEWER)).status_code == 200
    await asyncio.sleep(LIFETIME_SECONDS)
    assert (await submit()).status_code == 403


async def test_sessions_and_keys_of_a_removed_member_are_dead(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person
) -> None:
    robot = await factory.robot(bob, scopes=["summaries:read"])
    removed = await client.delete(members(alice, bob.user_id), headers=alice.headers)
    assert removed.status_code == 204
    await asyncio.sleep(LIFETIME_SECONDS)
    for headers in (bob.headers, robot.headers):
        assert (await client.get("/api/v1/summaries", headers=headers)).status_code == 401


async def test_everybody_may_leave(
    client: AsyncClient, factory: Factory, alice: Person, app: FastAPI
) -> None:
    viewer = await factory.member("vera", alice.organization_id, role=VIEWER)
    left = await client.post(f"{URL}/{alice.organization_id}/leave", headers=viewer.headers)
    assert left.status_code == 204
    listed = (await client.get(members(alice), headers=alice.headers)).json()["items"]
    assert [item["username"] for item in listed] == ["alice"]
    assert await audited(app, alice) == ["member_left"]


async def test_only_an_owner_hands_over_and_only_to_a_member(
    client: AsyncClient, factory: Factory, alice: Person, bob: Person, charlie: Person
) -> None:
    url = f"{URL}/{alice.organization_id}/transfer"
    admin = await factory.member("adam", alice.organization_id, role=ADMIN)
    refused = await client.post(url, headers=admin.headers, json={"user_id": str(admin.user_id)})
    stranger = await client.post(url, headers=alice.headers, json={"user_id": str(charlie.user_id)})
    assert [refused.status_code, stranger.status_code] == [403, 404]
    given = await client.post(url, headers=alice.headers, json={"user_id": str(bob.user_id)})
    assert given.json()["role"] == "owner"
    roles = (await client.get(members(alice), headers=bob.headers)).json()["items"]
    assert {item["username"]: item["role"] for item in roles}["alice"] == "admin"


async def test_members_are_listed_in_pages(client: AsyncClient, alice: Person, bob: Person) -> None:
    first = (await client.get(f"{members(alice)}?limit=1", headers=bob.headers)).json()
    assert [item["username"] for item in first["items"]] == ["alice"]
    rest = await client.get(f"{members(alice)}?cursor={first['next_cursor']}", headers=bob.headers)
    assert [item["email"] for item in rest.json()["items"]] == ["bob@example.com"]
