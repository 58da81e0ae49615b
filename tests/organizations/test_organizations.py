"""Organisations: who may not, then made, renamed, deleted, restored, erased."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.accounts.organization_erasure import erase_due_organizations
from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.core.principal_cache import LIFETIME_SECONDS
from app.organizations.repository import OrganizationRepository, first_membership_of
from app.organizations.service import MAX_OWNED
from app.organizations.store import change_organization, erase_organization
from tests.factories import Factory, Person, Robot
from tests.organizations.audited import audited

pytestmark = pytest.mark.integration
URL = "/api/v1/organizations"
OWNER = MembershipRole.OWNER


async def made(client: AsyncClient, person: Person, name: str = "Lab") -> dict[str, Any]:  # Any: JSON
    answer = await client.post(URL, headers=person.headers, json={"name": name})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def lab(client: AsyncClient, factory: Factory, alice: Person) -> Person:
    """Alice, logged in to an organisation that is not her personal one."""
    found = await made(client, alice)
    return await factory.elsewhere(alice, UUID(found["id"]), role=OWNER)


async def test_another_organization_of_mine_is_403_and_told_how_to_get_there(
    client: AsyncClient, alice: Person, lab: Person
) -> None:
    answer = await client.patch(f"{URL}/{lab.organization_id}", headers=alice.headers, json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_organization")
    assert "/auth/switch" in answer.json()["hint"]


async def test_an_api_key_knows_of_no_organization_but_its_own(
    client: AsyncClient, robot: Robot, lab: Person
) -> None:
    listed = await client.get(URL, headers=robot.headers)
    assert [item["id"] for item in listed.json()["items"]] == [str(robot.organization_id)]
    answer = await client.get(f"{URL}/{lab.organization_id}", headers=robot.headers)
    assert answer.status_code == 404


async def test_an_api_key_makes_and_deletes_no_organization(
    client: AsyncClient, factory: Factory, lab: Person
) -> None:
    robot = await factory.robot(lab)
    answer = await client.delete(f"{URL}/{lab.organization_id}", headers=robot.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "recent_login_required")
    made_by_it = await client.post(URL, headers=robot.headers, json={"name": "x"})
    assert made_by_it.status_code == 403


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, None, "a\x00b"])
async def test_a_name_that_is_none_is_422(client: AsyncClient, alice: Person, name: str | None) -> None:
    answer = await client.post(URL, headers=alice.headers, json={"name": name})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "change", [{"name": None}, {"support_access": None}, {"support_access": 0}, {"name": ""}]
)
async def test_a_change_to_what_it_cannot_be_is_422(
    client: AsyncClient, lab: Person, change: dict[str, object]
) -> None:
    url = f"{URL}/{lab.organization_id}"
    before = (await client.get(url, headers=lab.headers)).json()
    answer = await client.patch(url, headers=lab.headers, json={"name": "x", **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await client.get(url, headers=lab.headers)).json() == before


async def test_a_personal_organization_is_not_deleted(client: AsyncClient, alice: Person) -> None:
    answer = await client.delete(f"{URL}/{alice.organization_id}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "personal_organization")


async def test_an_admin_deletes_and_restores_nothing(
    client: AsyncClient, factory: Factory, lab: Person
) -> None:
    admin = await factory.member("adam", lab.organization_id, role=MembershipRole.ADMIN)
    deleted = await client.delete(f"{URL}/{lab.organization_id}", headers=admin.headers)
    restored = await client.post(f"{URL}/{lab.organization_id}/restore", headers=admin.headers)
    assert [deleted.json()["code"], restored.json()["code"]] == ["owner_needed", "owner_needed"]


async def own_more(app: FastAPI, person: Person, many: int) -> None:
    async with app.state.database.transaction() as session:
        for _ in range(many):
            organization_id = new_id()
            await bind_tenant(session, Tenant(organization_id, person.user_id))
            organizations = OrganizationRepository(session, organization_id)
            await organizations.add(name="x", is_personal=False, owner_id=person.user_id)


async def test_of_many_made_at_once_too_none_is_beyond_twenty(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await own_more(app, alice, MAX_OWNED - 3)
    wanted = [client.post(URL, headers=alice.headers, json={"name": "at once"}) for _ in range(8)]
    answers = await asyncio.gather(*wanted)
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 6


async def test_nobody_owns_more_than_twenty(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    await own_more(app, alice, MAX_OWNED - 1)
    answer = await client.post(URL, headers=alice.headers, json={"name": "one more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_organizations")


async def test_one_that_is_made_is_found_listed_and_renamed(
    client: AsyncClient, alice: Person, lab: Person
) -> None:
    url = f"{URL}/{lab.organization_id}"
    listed = (await client.get(URL, headers=alice.headers)).json()
    assert [item["name"] for item in listed["items"]] == ["alice", "Lab"]
    renamed = await client.patch(url, headers=lab.headers, json={"name": " The Lab "})
    assert renamed.json()["name"] == "The Lab"
    read = await client.get(url, headers=alice.headers)
    assert read.json() == {**renamed.json(), "role": "owner", "plan": "free", "is_personal": False}


async def test_a_change_of_nothing_changes_nothing(client: AsyncClient, app: FastAPI, lab: Person) -> None:
    url = f"{URL}/{lab.organization_id}"
    answer = await client.patch(url, headers=lab.headers, json={})
    assert (answer.status_code, answer.json()["name"]) == (200, "Lab")
    assert await audited(app, lab) == ["organization_created"]


async def test_location_of_a_new_one_leads_to_it(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(URL, headers=alice.headers, json={"name": "Lab"})
    assert (await client.get(answer.headers["Location"], headers=alice.headers)).json() == answer.json()


async def test_lists_go_on_behind_the_cursor(client: AsyncClient, alice: Person, lab: Person) -> None:
    first = await client.get(f"{URL}?limit=1", headers=alice.headers)
    assert 'rel="next"' in first.headers["Link"]
    rest = await client.get(f"{URL}?cursor={first.json()['next_cursor']}", headers=alice.headers)
    assert [item["id"] for item in rest.json()["items"]] == [str(lab.organization_id)]


async def test_credentials_of_a_deleted_one_stop(client: AsyncClient, factory: Factory, lab: Person) -> None:
    robot = await factory.robot(lab)
    deleted = await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    assert deleted.json()["erase_after"] is not None
    await asyncio.sleep(LIFETIME_SECONDS)
    for headers in (lab.headers, robot.headers):
        answer = await client.get("/api/v1/summaries", headers=headers)
        assert answer.status_code == 401


async def test_nobody_logs_in_to_a_deleted_one(client: AsyncClient, app: FastAPI, lab: Person) -> None:
    await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    async with app.state.database.transaction(Tenant(user_id=lab.user_id)) as session:
        found = await first_membership_of(session, lab.user_id)
    assert found is not None
    assert found.organization_id != lab.organization_id


async def test_a_deletion_can_be_taken_back_until_it_is_done(
    client: AsyncClient, app: FastAPI, alice: Person, lab: Person
) -> None:
    await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    restored = await client.post(f"{URL}/{lab.organization_id}/restore", headers=alice.headers)
    assert restored.json()["erase_after"] is None
    assert await erase_due_organizations(app.state.database) == 0


async def test_restoring_what_was_not_deleted_changes_nothing(client: AsyncClient, lab: Person) -> None:
    answer = await client.post(f"{URL}/{lab.organization_id}/restore", headers=lab.headers)
    assert (answer.status_code, answer.json()["erase_after"]) == (200, None)


async def test_what_is_not_due_is_not_erased(app: FastAPI, lab: Person) -> None:
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        assert not await erase_organization(session, lab.organization_id, now=datetime.now(UTC))


async def test_what_is_due_for_erasure_does_not_come_back(
    client: AsyncClient, app: FastAPI, alice: Person, lab: Person
) -> None:
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await change_organization(session, lab.organization_id, erase_after=past)
    restored = await client.post(f"{URL}/{lab.organization_id}/restore", headers=alice.headers)
    assert restored.status_code == 404


async def test_a_deleted_one_is_erased_after_its_grace_and_not_before(
    client: AsyncClient, app: FastAPI, alice: Person, lab: Person
) -> None:
    await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    assert await erase_due_organizations(app.state.database) == 0
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await change_organization(session, lab.organization_id, erase_after=past)
    assert await erase_due_organizations(app.state.database) == 1
    listed = (await client.get(URL, headers=alice.headers)).json()
    assert [item["name"] for item in listed["items"]] == ["alice"]


async def test_what_becomes_of_it_stands_in_its_audit_log(
    client: AsyncClient, app: FastAPI, lab: Person
) -> None:
    await client.patch(f"{URL}/{lab.organization_id}", headers=lab.headers, json={"name": "x"})
    await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    actions = await audited(app, lab)
    assert actions == ["organization_created", "organization_changed", "organization_deleted"]
