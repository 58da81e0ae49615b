"""What the shortest reading of a query string takes, the routes' own takes as the same."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.core.page_query import PageQuery, plain_page_request
from app.core.pagination import MAX_CURSOR_CHARACTERS

pytestmark = pytest.mark.unit
LONGEST = "a" * MAX_CURSOR_CHARACTERS


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()

    @app.get("/")
    async def page(page: PageQuery) -> tuple[int, str | None]:
        return page.limit, page.cursor

    return TestClient(app)


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=", "limit=1e1", "limit=+5", "limit=05", "limit=5&limit=6"),
        *("cursor=", "cursor=a%2Fb", "cursor=a/b", f"cursor={LONGEST}a", "cursor=a&cursor=b"),
        *("limit=5cursor=a", "limit=5&", "&cursor=a", "limit=5&cursor=a&", "status=ready", "x", "cursor=a\n"),
        *("limit=5;cursor=a", "LIMIT=5", "limit=\u0665", "cursor=a&limit=5"),
    ],
)
def test_what_is_not_plain_is_left_to_the_route(query: str) -> None:
    assert plain_page_request(query.encode()) is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "limit=1",
        "limit=20",
        "limit=100",
        "cursor=a-_9",
        "limit=7&cursor=eyJ",
        f"limit=7&cursor={LONGEST}",
    ],
)
def test_what_is_plain_is_read_as_the_route_reads_it(client: TestClient, query: str) -> None:
    plain = plain_page_request(query.encode())
    assert plain is not None
    assert client.get(f"/?{query}").json() == [plain.limit, plain.cursor]
