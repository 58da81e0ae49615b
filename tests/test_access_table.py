"""Every route, called by everybody: what tests/access_table.py says, and nothing else, happens."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from app.core.principal import MembershipRole, Scope, StaffRole
from app.core.same_origin import SAFE_METHODS
from app.settings import Settings
from tests.access_table import ENDING, KEY_SCOPES, MEMBERSHIPS, RULES, SCOPES, STAFF_ROLES, Rule
from tests.factories import Factory, Person
from tests.site_map import Route, routes_of

pytestmark = pytest.mark.integration

REFUSED = {401, 403}
INSUFFICIENT = (403, "insufficient_scope")


@dataclass(frozen=True, slots=True)
class Guarded:
    route: Route
    rule: Rule


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Who may is the claim here, not how often."""
    return settings.model_copy(update={"rate_limit_scale": 1000})


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    return routes_of(app)


@pytest.fixture
def guarded(routes: list[Route]) -> list[Guarded]:
    """Those that end their caller's session last."""
    pairs = [(route, RULES.get(route.name)) for route in routes]
    rows = [Guarded(route, rule) for route, rule in pairs if rule is not None]
    return sorted(
        rows, key=lambda row: ("", *ENDING).index(row.route.name if row.route.name in ENDING else "")
    )


async def call(client: AsyncClient, route: Route, headers: dict[str, str]) -> Response:
    """With a body that is refused behind the guard, so that as little as possible happens."""
    kind = "json" if "json" in route.body else "data"
    body: dict[str, Any] = {kind: {"nonsense": "1"}} if route.content_types else {}  # Any: the client's own
    return await client.request(route.method, route.fill(new_id()), headers=headers, **body)


def told(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def assert_admitted(answer: Response) -> None:
    assert answer.status_code not in REFUSED, answer.text
    assert answer.status_code < 500, answer.text


@dataclass(frozen=True, slots=True)
class Login:
    """`scopes` are what its token claims: all, where roles alone are to refuse, as after a demotion."""

    factory: Factory
    person: Person
    scopes: tuple[Scope, ...] = tuple(Scope)

    async def headers(self) -> dict[str, str]:
        return (await self.factory.with_scopes(self.person, *self.scopes)).headers


async def assert_reached(
    client: AsyncClient,
    guarded: list[Guarded],
    login: Login,
    allowed: frozenset[str],
    subtests: pytest.Subtests,
) -> None:
    """All that the table admits by these scopes, and nothing else."""
    lasting = await login.headers()
    for row in guarded:
        headers = await login.headers() if row.route.name in ENDING else lasting
        answer = await call(client, row.route, headers)
        with subtests.test(f"{login.person.username} {row.route.name}"):
            if row.rule.admits(allowed):
                assert_admitted(answer)
            else:
                assert told(answer) == INSUFFICIENT


def test_every_route_stands_in_the_table_and_no_other(routes: list[Route]) -> None:
    assert {route.name for route in routes} == set(RULES)


def test_the_code_asks_for_the_scopes_of_the_table(routes: list[Route]) -> None:
    demanded = {route.name: route.scopes for route in routes}
    declared = {name: rule.needed if rule else frozenset() for name, rule in RULES.items()}
    assert demanded == declared


def test_the_table_knows_every_scope_and_role() -> None:
    assert set(Scope) == SCOPES
    assert set(MembershipRole) == MEMBERSHIPS.keys()
    assert set(StaffRole) == STAFF_ROLES.keys()


def test_the_reference_shows_what_the_table_says(routes: list[Route], subtests: pytest.Subtests) -> None:
    for route in routes:
        rule = RULES[route.name]
        if rule is not None and route.operation is not None:
            shown = dict(pair for item in route.operation["security"] for pair in item.items())
            with subtests.test(route.name):
                assert set(map(tuple, shown.values())) == {tuple(sorted(rule.needed))}
                assert ("ApiKey" in shown) == rule.admits_key(KEY_SCOPES)


async def test_nobody_reaches_a_guarded_route(
    client: AsyncClient, guarded: list[Guarded], subtests: pytest.Subtests
) -> None:
    for row in guarded:
        answer = await call(client, row.route, {})
        with subtests.test(row.route.name):
            assert told(answer) == (401, "unauthenticated")


async def test_everybody_reaches_an_open_route_without_a_credential(
    client: AsyncClient, routes: list[Route], subtests: pytest.Subtests
) -> None:
    for route in routes:
        if RULES[route.name] is None:
            answer = await call(client, route, {})
            with subtests.test(route.name):
                # A browser's cookies are asked for where they lie, not by the guard.
                is_cookies = route.path.startswith("/api/v1/auth/cookie/") or route.path.endswith("/login")
                assert answer.status_code not in REFUSED or is_cookies


async def test_a_login_of_one_scope_reaches_what_needs_it_and_nothing_else(
    client: AsyncClient, guarded: list[Guarded], factory: Factory, subtests: pytest.Subtests
) -> None:
    for scope in sorted(SCOPES):
        person = await factory.person(f"root_{scope.replace(':', '_')}", role=StaffRole.SUPER_ADMIN)
        login = Login(factory, person, (Scope(scope),))
        await assert_reached(client, guarded, login, frozenset({scope}), subtests)


async def test_a_key_of_one_scope_reaches_what_needs_it_and_admits_keys(
    client: AsyncClient,
    guarded: list[Guarded],
    factory: Factory,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    robots = {scope: await factory.robot(alice, scopes=[scope]) for scope in sorted(KEY_SCOPES)}
    for (scope, robot), row in product(robots.items(), guarded):
        answer = await call(client, row.route, robot.headers)
        with subtests.test(f"{scope} {row.route.name}"):
            if row.rule.admits_key(frozenset({scope})):
                assert_admitted(answer)
            elif row.rule.admits(frozenset({scope})):
                assert answer.status_code == 403
            else:
                assert told(answer) == INSUFFICIENT


async def test_a_key_of_all_scopes_but_one_does_not_reach_what_needs_it(
    client: AsyncClient,
    guarded: list[Guarded],
    factory: Factory,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    for scope in sorted(SCOPES):
        robot = await factory.robot(alice, scopes=sorted(KEY_SCOPES - {scope}))
        for row in (row for row in guarded if scope in row.rule.needed):
            answer = await call(client, row.route, robot.headers)
            with subtests.test(f"{scope} {row.route.name}"):
                assert told(answer) == INSUFFICIENT


async def test_a_member_reaches_what_the_role_allows(
    client: AsyncClient,
    guarded: list[Guarded],
    factory: Factory,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    for role, allowed in MEMBERSHIPS.items():
        member = await factory.member(f"the_{role}", alice.organization_id, role=MembershipRole(role))
        await assert_reached(client, guarded, Login(factory, member), allowed, subtests)


async def test_staff_reach_what_their_role_adds(
    client: AsyncClient, guarded: list[Guarded], factory: Factory, subtests: pytest.Subtests
) -> None:
    for role, added in STAFF_ROLES.items():
        person = await factory.person(f"the_{role}", role=StaffRole(role))
        allowed = MEMBERSHIPS["owner"] | added
        await assert_reached(client, guarded, Login(factory, person), allowed, subtests)


def in_cookies(person: Person, **headers: str) -> dict[str, str]:
    names = ("access_token", "__Host-access")
    return {"Cookie": "; ".join(f"{name}={person.access_token}" for name in names), **headers}


async def test_a_page_of_ours_reaches_with_cookies_what_its_login_does(
    client: AsyncClient,
    guarded: list[Guarded],
    factory: Factory,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    for row in guarded:
        person = await factory.with_scopes(alice, *Scope) if row.route.name in ENDING else alice
        headers = in_cookies(person, **{"Sec-Fetch-Site": "same-origin"})
        answer = await call(client, row.route, headers)
        with subtests.test(row.route.name):
            if row.rule.admits(MEMBERSHIPS["owner"]):
                assert_admitted(answer)
            else:
                assert told(answer) == INSUFFICIENT


async def test_another_page_only_reads_with_our_cookies(
    client: AsyncClient, guarded: list[Guarded], alice: Person, subtests: pytest.Subtests
) -> None:
    for site, row in product(("cross-site", "same-site", "none"), guarded):
        answer = await call(client, row.route, in_cookies(alice, **{"Sec-Fetch-Site": site}))
        with subtests.test(f"{site} {row.route.name}"):
            if row.route.method not in SAFE_METHODS:
                assert told(answer) == (403, "cross_site_request")
            elif row.rule.admits(MEMBERSHIPS["owner"]):
                assert_admitted(answer)


async def test_a_cookie_of_fewer_scopes_reaches_as_little(
    client: AsyncClient,
    guarded: list[Guarded],
    factory: Factory,
    alice: Person,
    subtests: pytest.Subtests,
) -> None:
    narrow = await factory.with_scopes(alice)
    for row in guarded:
        answer = await call(client, row.route, in_cookies(narrow, **{"Sec-Fetch-Site": "same-origin"}))
        with subtests.test(row.route.name):
            assert answer.status_code == 422 if not row.rule.needed else told(answer) == INSUFFICIENT
