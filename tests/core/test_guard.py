"""The gate: what counts as a guess, and what does not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.errors import UnavailableError
from app.core.guard import RecentLoginRequiredError, require_recent_login
from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan, Principal, PrincipalKind, Scope, StaffRole

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


class Unavailable:
    def recognises(self, credential: str) -> bool:
        return bool(credential)

    def expected(self, _credential: str) -> Principal | None:
        return None

    async def authenticate(self, credential: str, *, address: str) -> Principal:
        raise UnavailableError(internal=f"{len(credential)} {address}")


@dataclass
class Known:
    principal: Principal

    def recognises(self, credential: str) -> bool:
        return bool(credential)

    def expected(self, _credential: str) -> Principal | None:
        return self.principal

    async def authenticate(self, credential: str, *, address: str) -> Principal:
        assert credential
        assert address
        return self.principal


async def test_an_outage_is_no_guess_of_the_callers(client: AsyncClient, app: FastAPI) -> None:
    app.state.authenticators = (Unavailable(),)
    codes = {(await client.get(ME, headers={"X-API-Key": "x"})).status_code for _ in range(61)}
    assert codes == {503}


@pytest.mark.parametrize(
    "headers",
    [
        [("X-API-Key", "a"), ("X-API-Key", "b")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", "Basic a"), ("X-API-Key", "b")],
    ],
)
async def test_which_of_two_credentials_counts_is_not_guessed(
    client: AsyncClient, headers: list[tuple[str, str]]
) -> None:
    assert (await client.get(ME, headers=headers)).json()["code"] == "multiple_credentials"


def somebody(
    *, kind: PrincipalKind = "user", age: timedelta | None = None, withheld: frozenset[Scope] = frozenset()
) -> Principal:
    """Logged in so long ago; None: never, as an API key."""
    return Principal(
        kind=kind,
        user_id=new_id(),
        organization_id=new_id(),
        credential_id=new_id(),
        staff_role=StaffRole.USER,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=frozenset({Scope.PROFILE_WRITE}),
        authenticated_at=None if age is None else datetime.now(UTC) - age,
        withheld=withheld,
    )


@pytest.mark.parametrize(
    "principal",
    [somebody(age=timedelta(minutes=15, seconds=1)), somebody(kind="api_key"), somebody()],
    ids=["old", "key", "unknown"],
)
async def test_only_a_recent_login_passes_for_one(principal: Principal) -> None:
    with pytest.raises(RecentLoginRequiredError) as caught:
        await require_recent_login(principal)
    challenge = caught.value.public_headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert challenge.endswith("max_age=900")


async def test_a_login_of_fourteen_minutes_ago_is_recent() -> None:
    principal = somebody(age=timedelta(minutes=14))
    assert await require_recent_login(principal) is principal


async def test_staff_without_a_second_factor_are_told_what_is_missing(
    client: AsyncClient, app: FastAPI
) -> None:
    app.state.authenticators = (Known(somebody(withheld=frozenset({Scope.PROFILE_READ}))),)
    members = (await client.get(ME, headers={"X-API-Key": "x"})).json()
    assert (members["code"], "/auth/totp/enroll" in members["hint"]) == ("insufficient_scope", True)


async def test_others_are_told_of_no_second_factor(client: AsyncClient, app: FastAPI) -> None:
    app.state.authenticators = (Known(somebody()),)
    members = (await client.get(ME, headers={"X-API-Key": "x"})).json()
    assert (members["code"], "totp" in members["hint"]) == ("insufficient_scope", False)
