import re

import pytest

from tests.core.small_app import get, problem
from tests.health.fakes import health_app

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["LICENSE.txt", "index.html", "..%2f..%2frouter.py", "x"])
async def test_nothing_but_the_listed_assets_is_served(name: str) -> None:
    assert problem(await get(health_app(), f"/docs/assets/{name}"))["code"] == "not_found"


async def test_page_names_only_assets_of_ours_and_all_are_there() -> None:
    app = health_app()
    page = (await get(app, "/docs")).text
    names = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(names) == 4
    assert all(name.startswith("/docs/assets/") for name in names)
    assert {(await get(app, name)).status_code for name in names} == {200}


async def test_page_allows_no_inline_script_and_no_other_host() -> None:
    response = await get(health_app(), "/docs")
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert "<script>" not in response.text


async def test_old_reference_leads_to_the_new_one() -> None:
    response = await get(health_app(), "/redoc")
    assert (response.status_code, response.headers["location"]) == (307, "/docs")


async def test_openapi_document_is_served() -> None:
    assert (await get(health_app(), "/openapi.json")).json()["openapi"].startswith("3.1")
