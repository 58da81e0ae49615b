"""Who gets nowhere, over every route: nobody, the wrong scope, the outsider, the malformed."""

import re
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.settings import Settings
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
# Nothing failed that could be retried, or lies in the trash; she is the last owner; who should have it is no
# member; the invitation is another's.
UNWILLING = {
    "retry": {409},
    # Nothing has been read yet that could be read anew, and nothing put aside.
    "regenerate": {409},
    "refresh": {409},
    "{version_number}": {404},
    "diff": {404},
    "DELETE /api/v1/summaries/trash/{summary_id}": {409},
    "POST /api/v1/summaries/{summary_id}/restore": {409},
    "leave": {409},
    "transfer": {404},
    "accept": {404},
}
# What a browser says for a page of ours; programs need not.
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Who may is the claim here, not how often, nor for how long they watch."""
    return settings.model_copy(update={"rate_limit_scale": 1000, "stream_max_seconds": 1})


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
    member = await factory.member("mia", alice.organization_id, role=MembershipRole.MEMBER)
    return {
        "organization_id": alice.organization_id,
        "user_id": member.user_id,
        "invitation_id": await invitation_of(client, factory, alice),
        "summary_id": UUID(summary.json()["id"]),
        "key_id": UUID(key.json()["id"]),
        "session_id": session.session_id,
        **await webhook_of(client, alice),
    }


async def webhook_of(client: AsyncClient, alice: Person) -> dict[str, UUID]:
    wanted = {"url": "https://example.com/hook", "events": ["summary.ready"]}
    made = await client.post("/api/v1/webhooks", headers=alice.headers, json=wanted)
    tested = await client.post(f"/api/v1/webhooks/{made.json()['id']}/test", headers=alice.headers)
    return {"webhook_id": UUID(made.json()["id"]), "delivery_id": UUID(tested.json()["id"])}


async def invitation_of(client: AsyncClient, factory: Factory, alice: Person) -> UUID:
    await factory.share(alice.organization_id)
    url = f"/api/v1/organizations/{alice.organization_id}/invitations"
    made = await client.post(url, headers=alice.headers, json={"email": "guest@example.com"})
    return UUID(made.json()["id"])


def of_tenants(routes: list[Route]) -> list[Route]:
    return [route for route in routes if not route.is_for_staff]


def with_id(routes: list[Route]) -> list[Route]:
    return [route for route in routes if any(name.endswith("_id") for name in route.parameters)]


def ids_of(route: Route, objects: dict[str, UUID]) -> list[object]:
    return [objects.get(name, name) for name in route.parameters]


async def call(client: AsyncClient, route: Route, *values: object, **options: Any) -> Response:
    # Any: the client's own options
    return await client.request(route.method, route.fill(*values), **{**route.body, **options})


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
            named = re.search('scope="(.*)"', answer.headers["WWW-Authenticate"])
            assert named
            assert set(named[1].split()) == route.scopes


async def test_to_an_outsider_a_foreign_id_is_as_unknown_as_one_that_never_was(
    client: AsyncClient,
    guarded: list[Route],
    objects: dict[str, UUID],
    charlie: Person,
    subtests: pytest.Subtests,
) -> None:
    for route in with_id(of_tenants(guarded)):
        foreign = await call(client, route, *ids_of(route, objects), headers=charlie.headers)
        missing = await call(client, route, new_id(), headers=charlie.headers)
        with subtests.test(route.name):
            assert_documented(route, foreign, status=404)
            assert told(foreign) == told(missing)


async def test_what_is_no_id_is_404(
    client: AsyncClient,
    guarded: list[Route],
    objects: dict[str, UUID],
    alice: Person,
    root: Person,
    subtests: pytest.Subtests,
) -> None:
    for route in with_id(guarded):
        for value in NOT_IDS:
            before = ids_of(route, objects)[:-1]
            headers = (root if route.is_for_staff else alice).headers
            answer = await call(client, route, *before, value, headers=headers)
            with subtests.test(f"{route.name} {value[:40]}"):
                assert_documented(route, answer, status=404)


async def test_a_body_of_another_type_is_415(
    client: AsyncClient,
    routes: list[Route],
    objects: dict[str, UUID],
    alice: Person,
    root: Person,
    subtests: pytest.Subtests,
) -> None:
    for route in routes:
        if route.content_types:
            person = root if route.is_for_staff else alice
            headers = {"Content-Type": "text/csv", **(OUR_PAGE if route.is_anonymous else person.headers)}
            path = route.fill(*ids_of(route, objects), "")
            answer = await client.request(route.method, path, content=b"a,b", headers=headers)
            with subtests.test(route.name):
                assert_documented(route, answer, status=415)


async def test_a_body_of_another_shape_is_422(
    client: AsyncClient,
    routes: list[Route],
    objects: dict[str, UUID],
    alice: Person,
    root: Person,
    subtests: pytest.Subtests,
) -> None:
    for route in routes:
        if route.content_types:
            body = {"json": {"nonsense": 1}} if "json" in route.body else {"data": {"nonsense": "1"}}
            person = root if route.is_for_staff else alice
            headers = OUR_PAGE if route.is_anonymous else person.headers
            answer = await call(client, route, *ids_of(route, objects), headers=headers, **body)
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
    ending = [route for route in with_id(of_tenants(guarded)) if route.method == "DELETE"]
    lasting = [route for route in with_id(of_tenants(guarded)) if route.method != "DELETE"]
    # What ends others last, and of that the outermost.
    by_reach = sorted(ending, key=lambda route: (route.path.endswith("/{organization_id}"), -len(route.path)))
    last = [*lasting, *by_reach]
    for route in last:
        answer = await call(client, route, *ids_of(route, objects), headers=alice.headers)
        with subtests.test(route.name):
            usual = UNWILLING.get(route.path.rpartition("/")[2], {200, 201, 202, 204})
            wanted = UNWILLING.get(route.name, usual)
            assert answer.status_code in wanted, answer.text
