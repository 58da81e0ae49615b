from base64 import b64encode
from hashlib import sha256

import pytest

from app.core.errors import CATALOGUE
from tests.core.small_app import PUBLIC_URL, get, problem
from tests.health.fakes import health_app

pytestmark = pytest.mark.unit
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_unknown_code_is_404() -> None:
    assert problem(await get(health_app(), "/problems/no_such_code"))["code"] == "not_found"


async def test_program_reads_what_an_error_means() -> None:
    response = await get(health_app(), "/problems/rate_limited")
    body = response.json()
    assert body["type"] == f"{PUBLIC_URL}/problems/rate_limited"
    assert (body["status"], body["retryable"]) == (429, True)
    assert body["meaning"]
    assert response.headers["vary"].startswith("Accept")


@pytest.mark.parametrize("code", ["rate_limited", "validation_failed", "malformed_request"])
async def test_person_reads_a_page(code: str) -> None:
    response = await get(health_app(), f"/problems/{code}", headers=BROWSER)
    assert response.headers["content-type"].startswith("text/html")
    assert CATALOGUE[code].title in response.text
    assert ("same request may succeed" in response.text) is CATALOGUE[code].retryable


async def test_pages_policy_lets_its_own_style_through_and_nothing_else() -> None:
    response = await get(health_app(), "/problems", headers=BROWSER)
    style = response.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = response.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


async def test_every_error_of_the_catalogue_is_listed_for_programs_and_people() -> None:
    app = health_app()
    listed = (await get(app, "/problems")).json()
    page = (await get(app, "/problems", headers=BROWSER)).text
    assert [item["code"] for item in listed["items"]] == sorted(CATALOGUE)
    assert not listed["has_more"]
    assert all(f'href="/problems/{code}"' in page for code in CATALOGUE)


async def test_every_code_has_a_page() -> None:
    app = health_app()
    statuses = {(await get(app, f"/problems/{code}", headers=BROWSER)).status_code for code in CATALOGUE}
    assert statuses == {200}
