"""What an operator mends by the command line's functions when nobody of the staff can."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.admin.errors import UserNotFoundError
from app.admin.operator import reset_second_factor, set_plan, set_role, unlock_account
from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import Plan, StaffRole
from app.organizations.errors import OrganizationNotFoundError
from app.settings import Settings
from tests.admin.logs import Log
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

ADD_FACTOR = "INSERT INTO second_factors (user_id, sealed_secret, confirmed_at) VALUES (:user_id, '', now())"
PROVE = "UPDATE auth_sessions SET amr = '{pwd,otp}'"
MAILS = "SELECT args->>'change' FROM procrastinate_jobs WHERE args->>'mail' = 'second_factor_changed'"


@pytest.fixture
def log(database_urls: DatabaseUrls) -> Log:
    return Log(database_urls)


async def run(app: FastAPI, person: Person, *statements: str) -> list[object]:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        results = [await session.execute(text(one), {"user_id": person.user_id}) for one in statements]
        return [value for result in results if result.returns_rows for value in result.scalars()]


async def test_a_name_that_nobody_has_is_told_so(app: FastAPI, settings: Settings) -> None:
    for name in ("nobody", "[erased]"):
        with pytest.raises(UserNotFoundError):
            await unlock_account(settings, name)
        with pytest.raises(UserNotFoundError):
            await reset_second_factor(settings, name)
        with pytest.raises(UserNotFoundError):
            await set_role(settings, name, StaffRole.ADMIN)
    assert app.state.settings == settings


async def test_an_organization_that_never_was_is_told_so(app: FastAPI, settings: Settings) -> None:
    with pytest.raises(OrganizationNotFoundError):
        await set_plan(settings, new_id(), Plan.PRO)
    assert app.state.settings == settings


async def test_a_plan_set_by_an_operator_is_written_down_as_the_systems(
    settings: Settings, alice: Person, log: Log
) -> None:
    assert await set_plan(settings, alice.organization_id, Plan.PRO) == "alice"
    (entry,) = await log.entries(alice.organization_id)
    assert (entry["action"], entry["actor_kind"], entry["actor_id"]) == ("plan_changed", "system", None)


async def test_a_role_set_by_an_operator_ends_the_sessions_of_the_former_one(
    app: FastAPI, settings: Settings, alice: Person, log: Log
) -> None:
    ended = "SELECT revoke_reason FROM auth_sessions"
    assert await set_role(settings, "alice", StaffRole.USER) is StaffRole.USER
    assert (await run(app, alice, ended), await log.actions()) == ([None], [])
    assert await set_role(settings, "ALICE", StaffRole.SUPER_ADMIN) is StaffRole.USER
    assert await run(app, alice, ended, "SELECT role FROM users WHERE id = :user_id") == [
        "role_changed",
        "super_admin",
    ]
    assert await set_role(settings, "alice", StaffRole.USER) is StaffRole.SUPER_ADMIN
    assert await log.actions() == ["role_changed", "role_changed"]


async def test_unlocking_forgets_wrong_guesses_once(
    client: AsyncClient, settings: Settings, alice: Person, log: Log
) -> None:
    await client.post("/api/v1/auth/token", data={"username": "alice", "password": "wrong"})
    assert await unlock_account(settings, "ALICE") is True
    assert await unlock_account(settings, "alice") is False
    assert (await log.actions())[-1] == "account_unlocked"
    assert isinstance(alice.user_id, UUID)


async def test_a_reset_second_factor_is_gone_with_what_it_proved_and_its_owner_is_told(
    app: FastAPI, settings: Settings, alice: Person, log: Log
) -> None:
    assert await reset_second_factor(settings, "alice") is False
    await run(app, alice, ADD_FACTOR, PROVE)
    assert await reset_second_factor(settings, "alice") is True
    assert await run(app, alice, "SELECT user_id FROM second_factors") == []
    assert await run(app, alice, "SELECT amr FROM auth_sessions") == [["pwd"]]
    assert await run(app, alice, MAILS) == ["reset_by_an_operator"]
    assert await log.actions() == ["second_factor_disabled"]
