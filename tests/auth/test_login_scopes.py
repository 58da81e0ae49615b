"""The scope of a login: what was asked, of what the roles allow, and never more."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.principal import StaffRole
from tests.access_table import MANAGER, STAFF_ROLES, VIEWER
from tests.factories import PASSWORD, Factory, Person

pytestmark = pytest.mark.integration

TOKEN, REFRESH, ME = "/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/users/me"
DEMOTE = "UPDATE memberships SET role = 'viewer' WHERE user_id = :user_id"


async def scope_of(client: AsyncClient, person: Person, asked: str | None = None) -> set[str]:
    form = {"username": person.username, "password": PASSWORD, **({"scope": asked} if asked else {})}
    answer = await client.post(TOKEN, data=form)
    assert answer.status_code == 200, answer.text
    return set(answer.json()["scope"].split())


async def demote(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text(DEMOTE), {"user_id": person.user_id})


@pytest.mark.parametrize(
    "asked", ["nonsense", "ADMIN", "admin", "admin users:write", "profile:read,org:read"]
)
async def test_asking_only_for_what_is_not_to_be_had_gives_nothing(
    client: AsyncClient, alice: Person, asked: str
) -> None:
    assert await scope_of(client, alice, asked) == set()


async def test_a_token_of_nothing_opens_nothing(client: AsyncClient, alice: Person) -> None:
    form = {"username": alice.username, "password": PASSWORD, "scope": "nonsense"}
    token = (await client.post(TOKEN, data=form)).json()
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_unknown_and_forbidden_ones_are_left_out(client: AsyncClient, alice: Person) -> None:
    asked = "summaries:read admin nonsense profile:read summaries:read"
    assert await scope_of(client, alice, asked) == {"summaries:read", "profile:read"}


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_asking_for_everything_gives_what_the_roles_allow(
    client: AsyncClient, factory: Factory, role: str
) -> None:
    person = await factory.person("stan", role=StaffRole(role))
    everything = " ".join(MANAGER | STAFF_ROLES["super_admin"])
    allowed = MANAGER | STAFF_ROLES[role]
    assert await scope_of(client, person, everything) == allowed
    assert await scope_of(client, person) == allowed


async def test_a_demoted_member_gets_a_viewers_scopes_however_they_ask(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await demote(app, alice)
    assert await scope_of(client, alice) == VIEWER
    assert await scope_of(client, alice, "org:read org:write") == {"org:read"}


async def test_a_narrow_login_stays_narrow_when_refreshed(client: AsyncClient, alice: Person) -> None:
    form = {"username": alice.username, "password": PASSWORD, "scope": "org:read"}
    pair = (await client.post(TOKEN, data=form)).json()
    refreshed = await client.post(REFRESH, json={"refresh_token": pair["refresh_token"]})
    assert refreshed.json()["scope"] == "org:read"
