"""Every way in is counted where it is judged; what is only unfinished, or our fault, is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from httpx2 import AsyncClient

from app.core.auth_metrics import AuthAction
from tests.auth.second_factor.device import Clock, log_in, set_up
from tests.factories import Person, Robot
from tests.measured import judged

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"
REFRESH = "/api/v1/auth/refresh"
BAD_COOKIE = {"Cookie": "refresh_token=rt1_nonsense", "Sec-Fetch-Site": "same-origin"}
OUTCOMES = ("accepted", "refused")


@contextmanager
def counted(action: str, *, accepted: int = 0, refused: int = 0) -> Iterator[None]:
    before = [judged(action, outcome) for outcome in OUTCOMES]
    yield
    after = [judged(action, outcome) for outcome in OUTCOMES]
    assert after == [before[0] + accepted, before[1] + refused], action


async def test_a_bearer_that_is_none_is_refused_whatever_it_was_meant_to_be(client: AsyncClient) -> None:
    with counted("bearer", refused=2), counted("api_key", refused=1):
        for credential in ("a.b.c", "nonsense", "prc_live_nonsense"):
            await client.get(ME, headers={"Authorization": f"Bearer {credential}"})


async def test_a_request_without_a_credential_is_judged_by_nobody(client: AsyncClient) -> None:
    with counted("bearer"), counted("api_key"):
        await client.get(ME)


async def test_a_token_and_a_key_are_counted_at_each_request(
    client: AsyncClient, alice: Person, robot: Robot
) -> None:
    with counted("bearer", accepted=2), counted("api_key", accepted=1):
        for headers in (alice.headers, alice.headers, robot.headers):
            await client.get(ME, headers=headers)


async def test_a_refresh_token_is_refused_by_its_form_and_by_its_session(
    client: AsyncClient, alice: Person
) -> None:
    with counted("refresh", accepted=1, refused=2):
        await client.post(REFRESH, json={"refresh_token": "rt1_nonsense"})
        await client.post("/api/v1/auth/cookie/refresh", headers=BAD_COOKIE)
        await client.post(REFRESH, json={"refresh_token": alice.refresh_token})


async def test_a_login_that_still_needs_a_code_is_neither(client: AsyncClient, alice: Person) -> None:
    device = await set_up(client, alice, Clock())
    with counted("login", refused=1), counted("second_factor", refused=1):
        await log_in(client, alice)
        await log_in(client, alice, totp=device.wrong_code)


def test_every_action_is_there_at_0_before_the_first() -> None:
    assert all(judged(action, outcome) >= 0 for action in AuthAction for outcome in OUTCOMES)
