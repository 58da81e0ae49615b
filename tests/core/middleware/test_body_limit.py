from collections.abc import AsyncIterator

import pytest

from app.core.middleware.body_limit import MEBIBYTE
from tests.core.small_app import post, problem, small_app

pytestmark = pytest.mark.unit
JSON = {"content-type": "application/json"}


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body without Content-Length."""
    yield b'{"name":"'
    for _ in range(0, size, 65536):
        yield b"a" * 65536
    yield b'"}'


@pytest.mark.parametrize("path", ["/api/v1/items", "/api/v1/raw", "/nowhere"])
async def test_declared_length_over_the_limit_is_413(path: str) -> None:
    response = await post(small_app(), path, content=b"a" * (MEBIBYTE + 1), headers=JSON)
    assert (response.status_code, problem(response)["code"]) == (413, "body_too_large")
    assert str(MEBIBYTE) in problem(response)["detail"]


@pytest.mark.parametrize("path", ["/api/v1/items", "/api/v1/raw", "/api/v1/form"])
async def test_chunked_body_over_the_limit_is_413(path: str) -> None:
    content_type = "application/x-www-form-urlencoded" if path.endswith("form") else "application/json"
    headers = {"content-type": content_type}
    response = await post(small_app(), path, content=chunks(2 * MEBIBYTE), headers=headers)
    assert (response.status_code, problem(response)["code"]) == (413, "body_too_large")


async def test_body_at_the_limit_passes() -> None:
    response = await post(small_app(), "/api/v1/raw", content=b"a" * MEBIBYTE)
    assert response.json() == {"size": MEBIBYTE}


@pytest.mark.parametrize("path", ["/api/v1/pages", "/api/v1/pages/"])
async def test_route_that_may_takes_more(path: str) -> None:
    app = small_app(body_limits={("POST", "/api/v1/pages"): 10 * MEBIBYTE})

    @app.post("/api/v1/pages")
    async def create(body: dict[str, str]) -> int:
        return len(body["name"])

    assert (await post(app, path, content=chunks(9 * MEBIBYTE), headers=JSON)).status_code == 200
    assert (await post(app, path, content=chunks(10 * MEBIBYTE), headers=JSON)).status_code == 413
