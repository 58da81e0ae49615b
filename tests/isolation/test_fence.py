"""Each of the two walls by itself: with the other one down, no endpoint shows, counts or changes a foreign row."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.main import create_app
from tests.isolation.first_wall import filters_left, filters_off, tenant_told
from tests.isolation.rows import rows_of
from tests.isolation.walk import Walk, leaked, names
from tests.isolation.world import Doorman, Holding, principal_of, told
from tests.servers import DatabaseUrls
from tests.site_map import Route

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Siege:
    """A walk over all routes, and whom it must not touch."""

    walk: Walk
    victim: Holding
    urls: DatabaseUrls

    async def rows(self) -> set[tuple[str, str]]:
        return await rows_of(
            self.urls, self.victim.organization_id, self.victim.owner.user_id, self.victim.ids["user_id"]
        )


@pytest.fixture
def siege(
    calm: AsyncClient, victim: Holding, mallory: Holding, doorman: Doorman, database_urls: DatabaseUrls
) -> Siege:
    headers = doorman.admit(mallory.owner, principal_of(mallory.owner))
    return Siege(Walk(calm, headers, mallory), victim, database_urls)


async def assert_untouched(siege: Siege, routes: list[Route], subtests: pytest.Subtests) -> None:
    """With the victim's ids, with none that is, and with the attacker's own, on every route."""
    before = await siege.rows()
    for route in routes:
        with subtests.test(route.name):
            for foreign, missing in siege.walk.aims(siege.victim):
                if names(route, foreign, missing):
                    answer = await siege.walk.call(route, foreign)
                    assert leaked(answer, siege.victim) == set()
                    assert told(answer) == told(await siege.walk.call(route, missing))
            own = await siege.walk.call(route, siege.walk.attacker)
            assert leaked(own, siege.victim) == set()
            assert await siege.rows() == before


@pytest.mark.slow
async def test_without_the_applications_filters_nothing_foreign_shows_or_changes(
    app: FastAPI, siege: Siege, routes: list[Route], subtests: pytest.Subtests
) -> None:
    with filters_off(app) as sent:
        await assert_untouched(siege, routes, subtests)
    assert [statement for statement in sent if filters_left(statement)] == []
    assert sum("OR TRUE" in statement for statement in sent) > len(routes)
