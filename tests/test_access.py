"""Who gets nowhere, over every route: nobody, the wrong scope, the outsider, the malformed."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from tests.factories import Factory, Person
from tests.site_map import Route, routes_of

pytestmark = pytest.mark.integration

NOT_IDS = (
    "nonsense",
    "0",
    "%00",
    "1" * 5000,
    "{0192f0c1-5a2b-7c3d-8e4f-9a0b1c2d3e4f}",
    "0" * 32,
    "%F0%9F%90%98",
)
PROBLEM = "application/problem+json"
# What a browser says for a page of ours; programs need not.
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    return routes_of(app)


@pytest.fixture
def guarded(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.scopes]


@pytest.fixture
async def objects(client: AsyncClient, factory: Factory, alice: Person) -> dict[str, UUID]:
    """One of alice's for every `{…_id}` of a path; a route with a new one fails until it stands here."""
    text = {"text": "A sentence to be summarised. " * 20}
    summary = await client.post("/api/v1/summaries", headers=alice.headers, json=text)
    key = await client.post("/api/v1/api-keys", headers=alice.headers, json={"name": "key"})
    session = await factory.with_scopes(alice)
    return {
        "summary_id": UUID(summary.json()["id"]),
        "key_id": UUID(key.json()["id"]),
        "session_id": session.session_id,
    }


def id_of(route: Route) -> str:
    return route.path.partition("{")[2].partition("}")[0]


def with_id(routes: list[Route]) -> list[Route]:
    return [route for route in routes if id_of(route).endswith("_id")]


async def call(client: AsyncClient, route: Route, value: object, **options: Any) -> Response:
    # Any: the client's own options
    return await client.request(route.method, route.fill(value), **{**route.body, **options})


def assert_documented(route: Route, answer: Response, *, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    members = answer.json()
    assert members["code"] in route.documented(status)
    assert members["request_id"] == answer.headers["X-Request-ID"]
    assert members["type"].endswith(f"/problems/{members['code']}")


def told(answer: Response) -> dict[str, Any]:  # Any: JSON
    return {**answer.json(), "request_id": ""}


async def test_nobody_is_401_with_a_challenge(
    client: AsyncClient, guarded: list[Route], subtests: pytest.Subtests
) -> None:
    for route in guarded:
        answer = await call(client, route, new_id())
        with subtests.test(route.name):
            assert_documented(route, answer, status=401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_credential_without_the_scope_is_403_and_told_which(
    client: AsyncClient, guarded: list[Route], factory: Factory, alice: Person, subtests: pytest.Subtests
) -> None:
    narrow = await factory.with_scopes(alice)
    for route in guarded:
        answer = await call(client, route, new_id(), headers=narrow.headers)
        with subtests.test(route.name):
            assert_documented(route, answer, status=403)
            assert answer.json()["code"] == "insufficient_scope"
            assert f'scope="{" ".join(route.scopes)}"' in answer.headers["WWW-Authenticate"]


async def test_to_an_outsider_a_foreign_id_is_as_unknown_as_one_that_never_was(
    client: AsyncClient,
    guarded: list[Route],
    objects: dict[str, UUID],
    charlie: Person,
    subtests: pytest.Subtests,
) -> None:
    for route in with_id(guarded):
        foreign = await call(client, route, objects[id_of(route)], headers=charlie.headers)
        missing = await call(client, route, new_id(), headers=charlie.headers)
        with subtests.test(route.name):
            assert_documented(route, foreign, status=404)
            assert told(foreign) == told(missing)


async def test_what_is_no_id_is_404(
    client: AsyncClient, guarded: list[Route], alice: Person, subtests: pytest.Subtests
) -> None:
    for route in with_id(guarded):
        for value in NOT_IDS:
            answer = await call(client, route, value, headers=alice.headers)
            with subtests.test(f"{route.name} {value[:40]}"):
                assert_documented(route, answer, status=404)


async def test_a_body_of_another_type_is_415(
    client: AsyncClient, routes: list[Route], alice: Person, subtests: pytest.Subtests
) -> None:
    for route in routes:
        if route.content_types:
            headers = {"Content-Type": "text/csv", **(OUR_PAGE if route.is_anonymous else alice.headers)}
            answer = await client.request(route.method, route.fill(new_id()), content=b"a,b", headers=headers)
            with subtests.test(route.name):
                assert_documented(route, answer, status=415)


async def test_a_body_of_another_shape_is_422(
    client: AsyncClient, routes: list[Route], alice: Person, subtests: pytest.Subtests
) -> None:
    for route in routes:
        if route.content_types:
            body = {"json": {"nonsense": 1}} if "json" in route.body else {"data": {"nonsense": "1"}}
            headers = OUR_PAGE if route.is_anonymous else alice.headers
            answer = await call(client, route, new_id(), headers=headers, **body)
            with subtests.test(route.name):
                assert_documented(route, answer, status=422)
                assert answer.json()["errors"]


async def test_a_method_that_no_route_has_is_405_and_told_which_are(
    client: AsyncClient, routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        answer = await client.request("PURGE", route.fill(new_id()))
        with subtests.test(route.name):
            assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
            assert route.method in answer.headers["Allow"].split(", ")


async def test_a_path_beside_a_route_is_404(
    client: AsyncClient, routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        answer = await client.request(route.method, f"{route.fill(new_id())}/no/such/place")
        with subtests.test(route.name):
            assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
            assert answer.json()["code"] == "not_found"


async def test_the_owner_reaches_every_object_of_hers(
    client: AsyncClient,
    guarded: list[Route],
    objects: dict[str, UUID],
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    last = sorted(with_id(guarded), key=lambda route: route.method == "DELETE")
    for route in last:
        answer = await call(client, route, objects[id_of(route)], headers=alice.headers)
        with subtests.test(route.name):
            # 409: nothing to retry of a summary that did not fail.
            assert answer.status_code in ({409} if route.path.endswith("/retry") else {200, 201, 204})
