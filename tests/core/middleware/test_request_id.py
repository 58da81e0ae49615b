import pytest

from app.core.origin import current_request_id
from tests.core.small_app import get, small_app

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("sent", ["", "a b", "a\tb", "ä", "x" * 129, "{}", "a/b"])
async def test_id_that_is_not_sane_is_replaced(sent: str) -> None:
    response = await get(small_app(), "/api/v1/items", headers={"X-Request-ID": sent.encode()})
    assert len(response.headers["x-request-id"]) == 36


@pytest.mark.parametrize("sent", ["a", "x" * 128, "Trace_1.2-3"])
async def test_sane_id_is_kept(sent: str) -> None:
    response = await get(small_app(), "/api/v1/items", headers={"X-Request-ID": sent})
    assert response.headers.get_list("x-request-id") == [sent]


async def test_each_request_has_its_own_id_and_leaves_none_behind() -> None:
    app = small_app()
    first, second = await get(app, "/api/v1/items"), await get(app, "/api/v1/items")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert current_request_id() is None
