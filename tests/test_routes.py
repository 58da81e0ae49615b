"""What holds for every route's place in the site map and in the reference."""

import pytest
from fastapi import FastAPI
from fastapi import Response as EmptyResponse
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient

from app.core.errors import CATALOGUE
from app.core.principal import Scope
from app.routes import BODY_LIMITS
from tests.factories import Person
from tests.fixtures import BASE_URL
from tests.site_map import BODIES, Route, http_contexts, routes_of

pytestmark = pytest.mark.integration

# Without a place in the reference, and open to everybody; /metrics has a token of its own.
HIDDEN = {
    "GET /docs",
    "GET /docs/assets/{name}",
    "GET /redoc",
    "GET /openapi.json",
    "GET /metrics",
}
# For whoever has logged in, whatever their scopes.
ANY_SESSION = {"POST /api/v1/auth/logout"}
# No asset, login provider, link and feed has the name that these are asked for.
NOTHING_THERE = (
    "/docs/assets/{name}",
    "/api/v1/auth/oauth/{provider}/",
    "/s/{share_id}",
    "/feeds/{address}/",
)
EVERYWHERE = {400, 422, 429, 500, 503}
GUARDED = {401, 403}
WITH_BODY = {413, 415}


@pytest.mark.parametrize("path", ["/api/v1/auth/oauth/providers", "/api/v1/auth/oauth/links", "/problems"])
async def test_lists_without_parameters_refuse_every_one(
    client: AsyncClient, alice: Person, path: str
) -> None:
    assert (await client.get(path, headers=alice.headers)).status_code == 200
    for query in ("limti=5", "limit=5", "page=2"):
        answer = await client.get(f"{path}?{query}", headers=alice.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_providers_may_add_parameters_to_the_callback(client: AsyncClient) -> None:
    url = "/api/v1/auth/oauth/nobody/callback?state=a&session_state=b"
    assert (await client.get(url)).status_code != 422


@pytest.fixture
def routes(built_app: FastAPI) -> list[Route]:
    return routes_of(built_app)


def expected_statuses(route: Route) -> set[int]:
    statuses = EVERYWHERE | (set() if route.is_anonymous else GUARDED)
    return statuses | (WITH_BODY if route.content_types else set()) | ({404} if "{" in route.path else set())


def test_a_route_has_a_permission_or_is_marked_anonymous(
    routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        with subtests.test(route.name):
            named = (route.name in HIDDEN, route.name in ANY_SESSION)
            assert [bool(route.scopes), route.is_anonymous, *named].count(True) == 1


def test_a_permission_is_a_scope_that_the_catalogue_knows(routes: list[Route]) -> None:
    assert set().union(*(route.scopes for route in routes)) <= {str(scope) for scope in Scope}


def test_every_route_names_its_errors(routes: list[Route], subtests: pytest.Subtests) -> None:
    for route in routes:
        if route.name not in HIDDEN:
            with subtests.test(route.name):
                missing = {status for status in expected_statuses(route) if not route.documented(status)}
                assert missing == set()


def test_every_documented_error_is_in_the_catalogue_with_its_status(
    routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        with subtests.test(route.name):
            for status in range(400, 600):
                for code in route.documented(status):
                    assert CATALOGUE[code].status == status


def test_a_body_is_known_to_the_access_tests(routes: list[Route]) -> None:
    assert {(route.method, route.path) for route in routes if route.content_types} == set(BODIES)


def test_what_answers_nothing_says_no_type_of_it(built_app: FastAPI, subtests: pytest.Subtests) -> None:
    for context in http_contexts(built_app):
        route = context.original_route
        assert isinstance(route, APIRoute)
        with subtests.test(context.path):
            assert route.status_code != 204 or route.response_class is EmptyResponse


def test_what_takes_a_larger_body_is_a_route_with_one() -> None:
    assert set(BODY_LIMITS) <= set(BODIES)


def test_the_site_map_is_the_reference_and_the_hidden_routes(built_app: FastAPI, routes: list[Route]) -> None:
    operations = sum(len(item) for item in built_app.openapi()["paths"].values())
    assert len(http_contexts(built_app)) == operations + len(HIDDEN)
    assert {route.name for route in routes if route.operation is None} == HIDDEN


def test_no_two_operations_have_one_name(built_app: FastAPI) -> None:
    items = built_app.openapi()["paths"].values()
    names = [operation["operationId"] for item in items for operation in item.values()]
    assert len(set(names)) == len(names)


async def test_a_trailing_slash_changes_nothing(
    app: FastAPI, routes: list[Route], subtests: pytest.Subtests
) -> None:
    for number, route in enumerate(routes):
        path = route.fill("nothing")
        # From an address of its own: routes share limits.
        transport = ASGITransport(app=app, client=(f"127.0.0.{number}", 50000))
        async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
            plain = await client.request(route.method, path)
            slashed = await client.request(route.method, f"{path}/")
        with subtests.test(route.name):
            assert slashed.status_code == plain.status_code
            assert slashed.headers.get("content-type") == plain.headers.get("content-type")


async def test_what_is_open_to_everybody_needs_no_credential(
    client: AsyncClient, routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        if route.method == "GET" and not route.scopes:
            answer = await client.get(route.fill("rate_limited"))
            with subtests.test(route.name):
                assert answer.status_code in {200, 307} or route.path.startswith(NOTHING_THERE)


async def test_a_credential_opens_every_guarded_list(
    client: AsyncClient, routes: list[Route], alice: Person, root: Person, subtests: pytest.Subtests
) -> None:
    for route in routes:
        if route.method == "GET" and route.scopes and "{" not in route.path:
            person = root if route.is_for_staff else alice
            answer = await client.get(route.path, headers=person.headers)
            with subtests.test(route.name):
                assert answer.status_code == 200


def test_no_dependency_is_overridden(built_app: FastAPI) -> None:
    """With a single override FastAPI inspects each dependency anew at each request: most of its time."""
    assert built_app.dependency_overrides == {}
