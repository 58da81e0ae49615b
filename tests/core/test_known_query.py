from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from starlette.testclient import TestClient

from app.core.errors import ValidationFailedError
from app.core.known_query import refuse_unknown_query
from app.core.page_query import PageQuery

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def client() -> TestClient:
    router, app = APIRouter(), FastAPI()

    @router.get("/notes")
    async def notes(
        page: PageQuery,
        tag: Annotated[list[str] | None, Query()] = None,
        year: Annotated[list[int], Query(alias="y")] = [],  # noqa: B006  # FastAPI copies it
    ) -> tuple[int, list[str] | None, list[int]]:
        return page.limit, tag, year

    app.include_router(router, dependencies=[Depends(refuse_unknown_query)])
    return TestClient(app)


def refused(client: TestClient, query: str) -> ValidationFailedError:
    with pytest.raises(ValidationFailedError) as caught:
        client.get(f"/notes?{query}")
    return caught.value


@pytest.mark.parametrize("name", ["skip", "offset", "page"])
def test_other_styles_of_pagination_are_refused_with_a_hint(client: TestClient, name: str) -> None:
    error = refused(client, f"{name}=0&limit=5")
    assert "cursor" in (error.public_hint or "")
    assert [fault.pointer for fault in error.faults] == [f"#/query/{name}"]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("limti=5", "unknown_parameter"),
        ("year=2030", "unknown_parameter"),
        ("limit=5&limit=6", "repeated_parameter"),
        ("cursor=a&cursor=a", "repeated_parameter"),
        ("=", "unknown_parameter"),
        ("tag=%ff", "invalid_encoding"),
        ("tag=a&tag=%C3", "invalid_encoding"),
        ("cursor=a%ED%A0%80+", "invalid_encoding"),
        ("x" * 5000, "unknown_parameter"),
    ],
)
def test_what_a_route_would_not_read_is_refused(client: TestClient, query: str, rule: str) -> None:
    error = refused(client, query)
    assert [fault.code for fault in error.faults] == [rule]
    assert len(error.faults[0].pointer) < 70


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [20, None, []]),
        ("tag=a&tag=b&limit=3", [3, ["a", "b"], []]),
        ("y=1&y=2", [20, None, [1, 2]]),
        ("tag=%C3%A9+%EF%BF%BD%", [20, ["é \ufffd%"], []]),
    ],
)
def test_what_it_knows_is_read(client: TestClient, query: str, expected: list[object]) -> None:
    assert client.get(f"/notes?{query}").json() == expected
