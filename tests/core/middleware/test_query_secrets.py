"""Credentials in URLs: refused on the API, by name, without an echo."""

import pytest

from app.core.middleware.query_secrets import credential_in
from tests.core.small_app import get, problem, small_app

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "query",
    [
        "access_token=hunter2",
        "limit=1&api_key=hunter2",
        "API-Key=hunter2",
        "X-API-Key=hunter2",
        "%61ccess_token=hunter2",
        "access%5Ftoken=hunter2",
        "+token=hunter2",
        "refresh_token=",
        "token",
        "password=hunter2",
    ],
)
async def test_a_credential_in_the_url_is_refused_and_not_echoed(query: str) -> None:
    answer = await get(small_app(), f"/api/v1/items?{query}")
    assert (answer.status_code, problem(answer)["code"]) == (400, "credential_in_query")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("query", ["", "limit=1", "q=access_token", "tokens=1", "code=x&state=y"])
async def test_other_parameters_are_the_routes_own(query: str) -> None:
    assert (await get(small_app(), f"/api/v1/items?{query}")).status_code == 200


async def test_outside_of_the_api_a_parameter_is_nobodys_credential() -> None:
    assert (await get(small_app(), "/s/abc?token=x")).json()["code"] == "not_found"


def test_bytes_that_are_no_text_are_no_credential() -> None:
    assert credential_in(b"\xff\xfe=%ff&=&&") is None
