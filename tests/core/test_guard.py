"""The gate: what counts as a guess, and what does not."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.errors import UnavailableError
from app.core.principal import Principal

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


class Unavailable:
    def recognises(self, credential: str) -> bool:
        return bool(credential)

    async def authenticate(self, credential: str, *, address: str) -> Principal:
        raise UnavailableError(internal=f"{len(credential)} {address}")


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
