"""Each of the two walls by itself: with the other one down, nothing foreign shows, counts or changes."""

from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from tests.isolation.first_wall import filters_left, filters_off, tenant_told
from tests.isolation.rows import rows_of
from tests.isolation.walk import Walk, leaked, names, walking
from tests.isolation.world import Holding, told
from tests.servers import DatabaseUrls
from tests.site_map import Route

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# What of a tenant's is listed somewhere; keys in its audit log.
KINDS = ("user_id", "invitation_id", "summary_id", "key_id")


@dataclass(frozen=True, slots=True)
class Besieged:
    """Whom no walk must touch."""

    holding: Holding
    urls: DatabaseUrls

    async def rows(self) -> set[tuple[str, str]]:
        people = (self.holding.owner.user_id, self.holding.ids["user_id"])
        return await rows_of(self.urls, self.holding.organization_id, *people)

    async def tenant_rows(self) -> set[tuple[str, str]]:
        return await rows_of(self.urls, self.holding.organization_id)


@pytest.fixture
def besieged(victim: Holding, database_urls: DatabaseUrls) -> Besieged:
    return Besieged(victim, database_urls)


async def assert_foreign_is_missing(walk: Walk, route: Route, victim: Holding) -> None:
    for foreign, missing in walk.aims(victim):
        if names(route, foreign, missing):
            answer = await walk.call(route, foreign)
            assert leaked(answer, victim) == set()
            assert told(answer) == told(await walk.call(route, missing))


async def assert_untouched(
    walk: Walk, routes: list[Route], besieged: Besieged, subtests: pytest.Subtests
) -> None:
    """By the victim's ids, by none that is, and by the attacker's own, on every route."""
    before = await besieged.rows()
    for route in routes:
        with subtests.test(route.name):
            await assert_foreign_is_missing(walk, route, besieged.holding)
            own = await walk.call(route, walk.attacker)
            assert leaked(own, besieged.holding) == set()
            assert await besieged.rows() == before


async def test_without_the_applications_filters_row_level_security_alone_holds(
    app: FastAPI, besieged: Besieged, mallory: Holding, routes: list[Route], subtests: pytest.Subtests
) -> None:
    async with walking(app, mallory) as walk:
        with filters_off(app) as sent:
            await assert_untouched(walk, routes, besieged, subtests)
    assert [statement for statement in sent if filters_left(statement)] == []
    assert sum("OR TRUE" in statement for statement in sent) > len(routes)


async def test_without_row_level_security_the_applications_filters_alone_hold(
    unfenced: FastAPI, besieged: Besieged, mallory: Holding, routes: list[Route], subtests: pytest.Subtests
) -> None:
    async with walking(unfenced, mallory) as walk:
        await assert_untouched(walk, routes, besieged, subtests)


async def test_with_both_walls_down_the_foreign_rows_show(
    unfenced: FastAPI, victim: Holding, mallory: Holding, routes: list[Route]
) -> None:
    """That the two tests above would see a leak, of every kind of object."""
    shown: set[str] = set()
    async with walking(unfenced, mallory) as walk:
        with filters_off(unfenced):
            for route in (route for route in routes if route.method == "GET"):
                shown |= await shown_by(walk, route, victim)
    assert {kind for kind in KINDS if str(victim.ids[kind]) in shown} == set(KINDS)


async def shown_by(walk: Walk, route: Route, victim: Holding) -> set[str]:
    targets = (walk.attacker, victim, walk.aims(victim)[1][0])
    answers = [await walk.call(route, target) for target in targets]
    return set().union(*(leaked(answer, victim) for answer in answers))


async def test_an_app_that_takes_the_attacker_for_the_victim_is_refused_by_postgresql(
    app: FastAPI, besieged: Besieged, mallory: Holding, routes: list[Route], subtests: pytest.Subtests
) -> None:
    """Every filter and check of the app lets the victim's ids pass. What it has in its cache, it believes."""
    await app.state.redis.run(lambda redis: redis.flushdb())
    victim, before = besieged.holding, await besieged.tenant_rows()
    truth = {victim.organization_id: mallory.organization_id, victim.owner.user_id: mallory.owner.user_id}
    async with walking(app, mallory, taken_for=victim) as walk:
        with tenant_told(app, truth):
            for route in filter(of_a_tenant, routes):
                answer = await walk.call(route, victim)
                with subtests.test(route.name):
                    assert leaked(answer, victim) == set()
                    assert await besieged.tenant_rows() == before


async def test_where_postgresql_believes_it_too_the_same_requests_show_all(
    app: FastAPI, victim: Holding, mallory: Holding, routes: list[Route]
) -> None:
    """That the test above would see a leak."""
    shown: set[str] = set()
    async with walking(app, mallory, taken_for=victim) as walk:
        for route in filter(of_a_tenant, routes):
            shown |= leaked(await walk.call(route, victim), victim)
    assert {kind for kind in KINDS if str(victim.ids[kind]) in shown} == set(KINDS)


def of_a_tenant(route: Route) -> bool:
    """Accounts are people's, in whichever organisation: no tenant's wall stands around them."""
    return route.path.startswith(("/api/v1/summaries", "/api/v1/api-keys", "/api/v1/organizations"))
