"""All keys of a person end together, in whichever organisation each is."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.api_keys.service import revoke_all_keys
from app.core.db import TENANT_KEY, Tenant
from app.core.principal import MembershipRole
from app.organizations.repository import OrganizationRepository
from app.users.store import UserStore
from tests.api_keys.keys import audited, status_of
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration


@pytest.fixture
async def guest(app: FastAPI, factory: Factory, alice: Person, charlie: Person) -> Person:
    """Alice again, as a member of charlie's organisation."""
    async with app.state.database.transaction(Tenant(charlie.organization_id)) as session:
        role = MembershipRole.MEMBER
        await OrganizationRepository(session, charlie.organization_id).add_member(alice.user_id, role=role)
        user = await UserStore(session).get(alice.user_id)
    assert user is not None
    return await factory.log_in(user, charlie.organization_id, role)


async def end(app: FastAPI, tenant: Tenant, person: Person) -> int:
    async with app.state.database.transaction(tenant) as session:
        count = await revoke_all_keys(session, person.user_id, cache=app.state.principal_cache)
        assert session.info[TENANT_KEY] == tenant
    return count


async def test_nobody_elses_key_ends(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, charlie: Person
) -> None:
    foreign = await factory.robot(charlie)
    assert await end(app, Tenant(user_id=alice.user_id), alice) == 0
    assert await status_of(client, foreign.api_key) == 200


@pytest.mark.parametrize("is_bound", [True, False])
async def test_keys_end_in_every_organisation_and_each_ones_log_says_so(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, guest: Person, *, is_bound: bool
) -> None:
    robots = [await factory.robot(person) for person in (alice, alice, guest)]
    assert {await status_of(client, robot.api_key) for robot in robots} == {200}
    tenant = Tenant(alice.organization_id if is_bound else None, alice.user_id)
    assert await end(app, tenant, alice) == 3
    assert {await status_of(client, robot.api_key) for robot in robots} == {401}
    for person, count in ((alice, 2), (guest, 1)):
        entries = await audited(app, person.organization_id, "api_key_revoked")
        assert [entry["subject_id"] for entry in entries] == [alice.user_id] * count


async def test_a_person_without_keys_loses_none(app: FastAPI, alice: Person) -> None:
    assert await end(app, Tenant(alice.organization_id, alice.user_id), alice) == 0


async def test_what_is_rolled_back_is_not_announced_and_not_recorded(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    async with app.state.database.open(Tenant(user_id=alice.user_id)) as session:
        assert await revoke_all_keys(session, alice.user_id, cache=app.state.principal_cache) == 1
    assert await status_of(client, robot.api_key) == 200
    assert await audited(app, alice.organization_id, "api_key_revoked") == []
