"""A bearer token at the guard."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.auth.issuing import TokenIssuer
from app.auth.models import AuthSession
from app.core.principal import StaffRole
from app.core.refresh_tokens import RefreshTokens
from app.core.tokens import AccessTokens
from app.settings import Settings
from tests.auth.test_login import deactivate
from tests.auth.test_refresh import change
from tests.factories import Person
from tests.refilling import passes_until_refused

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


def forged(app: FastAPI, settings: Settings, session: Person, claimed: Person) -> str:
    """Truly signed, but of one person's session for another person: only a bug of ours could issue it."""
    tokens = AccessTokens(app.state.key_ring, issuer=settings.base_url, audience=settings.jwt_audience)
    row = AuthSession(
        id=session.session_id,
        user_id=claimed.user_id,
        organization_id=claimed.organization_id,
        counter=0,
        scopes=["profile:read"],
    )
    issuer = TokenIssuer(tokens, RefreshTokens.from_secret(settings.signing_secret))
    return issuer.pair(row, role=StaffRole.USER).access_token


async def test_no_credential_is_401_with_a_challenge(client: AsyncClient) -> None:
    answer = await client.get(ME)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer nonsense", "x"])
async def test_a_bad_credential_is_401(client: AsyncClient, value: str) -> None:
    answer = await client.get(ME, headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_two_credentials_are_400(client: AsyncClient, alice: Person) -> None:
    answer = await client.get(ME, headers={**alice.headers, "X-API-Key": "prc_live_x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "multiple_credentials")


async def test_a_session_speaks_for_its_own_person_only(
    client: AsyncClient, app: FastAPI, settings: Settings, alice: Person, charlie: Person
) -> None:
    token = forged(app, settings, alice, charlie)
    answers = [await client.get(ME, headers={"Authorization": f"Bearer {token}"})]
    await client.get(ME, headers=alice.headers)
    answers.append(await client.get(ME, headers={"Authorization": f"Bearer {token}"}))
    assert {answer.status_code for answer in answers} == {401}


async def test_a_colleagues_session_is_no_credential_and_is_not_disturbed(
    client: AsyncClient, app: FastAPI, settings: Settings, alice: Person, bob: Person
) -> None:
    token = forged(app, settings, alice, bob)
    assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await client.get(ME, headers=alice.headers)).json()["username"] == "alice"


async def test_a_session_beyond_its_absolute_end_opens_nothing(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await change(app, alice, absolute_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert (await client.get(ME, headers=alice.headers)).status_code == 401


async def test_a_deactivated_person_is_refused(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await deactivate(app, alice)
    assert (await client.get(ME, headers=alice.headers)).status_code == 401


async def test_after_sixty_bad_credentials_an_address_is_limited(client: AsyncClient) -> None:
    async def is_refused() -> bool:
        status = (await client.get(ME, headers={"X-API-Key": "nonsense"})).status_code
        assert status in {401, 429}
        return status == 429

    await passes_until_refused(is_refused, limit=60)
