"""Changing to another organisation of mine: nothing is gained by it, and nothing outlives its origin."""

import asyncio
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.db import Tenant
from app.core.principal import MembershipRole, Scope
from app.organizations.repository import OrganizationRepository
from tests.auth.test_refresh import change, refresh
from tests.auth.traces import ME, bearer, entries, is_in, sessions_of
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

URL = "/api/v1/auth/switch"


async def switch(client: AsyncClient, person: Person | Robot, organization_id: object) -> Response:
    body = {"organization_id": str(organization_id)}
    return await client.post(URL, json=body, headers=person.headers)


async def status(client: AsyncClient, pair: Response) -> int:
    return (await client.get(ME, headers=bearer(pair))).status_code


@pytest.fixture
async def member(app: FastAPI, alice: Person, charlie: Person) -> Person:
    """Charlie at home, who may also go to alice's organisation, where he is a member."""
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        repository = OrganizationRepository(session, alice.organization_id)
        await repository.add_member(charlie.user_id, role=MembershipRole.MEMBER)
    return charlie


@pytest.mark.parametrize("organization_id", ["nonsense", "", "0" * 36, "x" * 100])
async def test_what_is_no_id_is_not_found(client: AsyncClient, alice: Person, organization_id: str) -> None:
    answer = await switch(client, alice, organization_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")


async def test_an_organisation_that_is_not_mine_is_not_found(
    client: AsyncClient, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    assert (await switch(client, charlie, alice.organization_id)).status_code == 404
    assert len(await sessions_of(database_urls, charlie)) == 1


async def test_a_key_stays_where_it_is(client: AsyncClient, alice: Person, robot: Robot) -> None:
    assert (await switch(client, robot, alice.organization_id)).status_code == 403


async def test_the_new_pair_is_bound_there_and_the_old_one_stays(
    client: AsyncClient, alice: Person, member: Person, database_urls: DatabaseUrls
) -> None:
    pair = await switch(client, member, alice.organization_id)
    assert pair.status_code == 200
    items = (await client.get("/api/v1/auth/sessions", headers=bearer(pair))).json()["items"]
    assert [(item["organization_id"], item["current"]) for item in items] == [
        (str(alice.organization_id), True),
        (str(member.organization_id), False),
    ]
    assert await is_in(client, member)
    assert (await refresh(client, pair.json()["refresh_token"])).status_code == 200
    (entry,) = await entries(database_urls, "organization_switched")
    assert (entry["organization_id"], entry["actor_id"]) == (alice.organization_id, member.user_id)


async def test_switching_never_widens_the_scope(
    client: AsyncClient, factory: Factory, alice: Person, member: Person
) -> None:
    everything = (await switch(client, member, alice.organization_id)).json()["scope"].split()
    assert Scope.ORG_WRITE not in everything  # an owner at home, a member here
    narrow = await factory.with_scopes(member, Scope.PROFILE_READ, Scope.SUMMARIES_READ, Scope.ADMIN)
    there = await switch(client, narrow, alice.organization_id)
    assert there.json()["scope"] == "profile:read summaries:read"


async def test_there_and_back_again_widens_nothing(
    client: AsyncClient, alice: Person, member: Person
) -> None:
    there = await switch(client, member, alice.organization_id)
    body = {"organization_id": str(member.organization_id)}
    back = await client.post(URL, json=body, headers=bearer(there))
    assert set(back.json()["scope"].split()) == set(there.json()["scope"].split())


async def test_switching_proves_nothing_anew_and_lives_no_longer(
    client: AsyncClient, alice: Person, member: Person, database_urls: DatabaseUrls
) -> None:
    await switch(client, member, alice.organization_id)
    old, new = await sessions_of(database_urls, member)
    assert new["absolute_expires_at"] == old["absolute_expires_at"]
    assert new["authenticated_at"] == old["created_at"]
    assert (new["amr"], new["device_id"], new["parent_id"]) == (old["amr"], old["device_id"], old["id"])


async def test_a_session_ends_with_the_one_it_was_opened_out_of(
    client: AsyncClient, alice: Person, member: Person
) -> None:
    """Or a thief would switch, and go on after his victim has logged out."""
    there = await switch(client, member, alice.organization_id)
    body = {"organization_id": str(member.organization_id)}
    back = await client.post(URL, json=body, headers=bearer(there))
    assert await status(client, back) == 200
    token = {"refresh_token": member.refresh_token}
    await client.post("/api/v1/auth/logout", json=token, headers=member.headers)
    assert [await status(client, pair) for pair in (there, back)] == [401, 401]


async def test_a_replayed_token_ends_what_was_opened_out_of_its_session_too(
    client: AsyncClient, alice: Person, member: Person
) -> None:
    there = await switch(client, member, alice.organization_id)
    await refresh(client, member.refresh_token)
    assert (await refresh(client, member.refresh_token)).json()["code"] == "token_reused"
    assert await status(client, there) == 401


async def test_leaving_there_does_not_end_the_session_at_home(
    client: AsyncClient, alice: Person, member: Person
) -> None:
    there = await switch(client, member, alice.organization_id)
    token = {"refresh_token": there.json()["refresh_token"]}
    await client.post("/api/v1/auth/logout", json=token, headers=bearer(there))
    assert (await status(client, there), await is_in(client, member)) == (401, True)


@pytest.mark.parametrize("by", ["leaving", "being removed"])
async def test_what_was_opened_out_of_a_session_there_ends_with_the_membership(
    client: AsyncClient, alice: Person, member: Person, by: str
) -> None:
    """The row between is gone then: nobody would find it by its origin, from which it must not be cut off."""
    there = await switch(client, member, alice.organization_id)
    body = {"organization_id": str(member.organization_id)}
    back = await client.post(URL, json=body, headers=bearer(there))
    assert await status(client, back) == 200
    place = f"/api/v1/organizations/{alice.organization_id}"
    if by == "leaving":
        ended = await client.post(f"{place}/leave", headers=bearer(there))
    else:
        ended = await client.delete(f"{place}/members/{member.user_id}", headers=alice.headers)
    assert ended.status_code == 204
    assert [await status(client, pair) for pair in (there, back)] == [401, 401]
    assert (await refresh(client, back.json()["refresh_token"])).status_code == 401
    assert await is_in(client, member)


async def test_an_ended_session_that_is_still_remembered_opens_no_other(
    client: AsyncClient, app: FastAPI, alice: Person, member: Person
) -> None:
    assert await is_in(client, member)
    await change(app, member, revoke_reason="behind the cache", revoked_at=datetime.now(UTC))
    assert (await switch(client, member, alice.organization_id)).status_code == 404


async def test_of_a_switch_and_a_logout_everywhere_at_once_nothing_is_left(
    client: AsyncClient, alice: Person, member: Person, database_urls: DatabaseUrls
) -> None:
    calls = [switch(client, member, alice.organization_id) for _ in range(6)]
    everywhere = client.post("/api/v1/auth/logout-all", headers=member.headers)
    await asyncio.gather(*calls[:3], everywhere, *calls[3:])
    assert all(row["revoked_at"] for row in await sessions_of(database_urls, member))
