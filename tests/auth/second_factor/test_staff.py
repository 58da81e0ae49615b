"""Where staff must have a second factor, a staff role counts only in sessions that one has proved."""

import base64
import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.principal import MembershipRole, Scope, StaffRole, allowed_scopes
from tests.auth.second_factor.device import Clock, bearer, log_in, post, read, set_up
from tests.factories import Person

pytestmark = pytest.mark.integration

OWNER = allowed_scopes(StaffRole.USER, MembershipRole.OWNER)
STAFF = allowed_scopes(StaffRole.SUPER_ADMIN, MembershipRole.OWNER)


@pytest.fixture
def staff_needs_it() -> bool:
    return True


def scopes(answer: Response) -> set[str]:
    return set(answer.json()["scope"].split())


def claims(answer: Response) -> dict[str, Any]:  # Any: JSON
    payload = answer.json()["access_token"].split(".")[1]
    members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))  # Any: as above
    return members


async def refresh(client: AsyncClient, login: Response) -> Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": login.json()["refresh_token"]})


async def test_without_one_staff_get_in_with_their_membership_only(client: AsyncClient, root: Person) -> None:
    login = await log_in(client, root)
    assert scopes(login) == {str(scope) for scope in OWNER}
    assert claims(login)["role"] == "user"
    assert scopes(await log_in(client, root, scope="admin users:write profile:read")) == {"profile:read"}


async def test_a_session_of_former_days_loses_its_staff_scopes(client: AsyncClient, root: Person) -> None:
    body = {"refresh_token": root.refresh_token}
    answer = await client.post("/api/v1/auth/refresh", json=body)
    assert scopes(answer) == {str(scope) for scope in OWNER}


async def test_with_one_they_get_all(client: AsyncClient, root: Person, clock: Clock) -> None:
    device = await set_up(client, root, clock)
    login = await log_in(client, root, device.next_code())
    assert scopes(login) == {str(scope) for scope in STAFF}
    assert (claims(login)["role"], claims(login)["amr"]) == ("super_admin", ["pwd", "otp"])
    assert claims(login)["auth_time"] <= claims(login)["iat"]
    assert scopes(await refresh(client, login)) == scopes(login)


async def test_disabling_it_takes_them_from_every_session(
    client: AsyncClient, app: FastAPI, root: Person, clock: Clock
) -> None:
    device = await set_up(client, root, clock)
    login = await log_in(client, root, device.next_code())
    principal = await app.state.authenticators[1].authenticate(login.json()["access_token"], address=None)
    assert Scope.ADMIN in principal.scopes
    assert (await post(client, root, "disable", device.next_code())).status_code == 200
    principal = await app.state.authenticators[1].authenticate(login.json()["access_token"], address=None)
    assert (principal.staff_role, principal.amr) == (StaffRole.USER, ("pwd",))
    assert Scope.ADMIN not in principal.scopes
    assert scopes(await refresh(client, login)) == {str(scope) for scope in OWNER}


async def test_ordinary_people_need_none(client: AsyncClient, alice: Person) -> None:
    login = await log_in(client, alice)
    assert scopes(login) == {str(scope) for scope in OWNER}
    assert (await client.get("/api/v1/users/me", headers=bearer(login))).status_code == 200


async def test_what_is_withheld_is_known(app: FastAPI, root: Person) -> None:
    principal = await app.state.authenticators[1].authenticate(root.access_token, address=None)
    assert principal.withheld == STAFF - OWNER
    assert await read(app, root, "SELECT 1 FROM second_factors") == []
