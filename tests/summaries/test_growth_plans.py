"""However many rows there are, what is asked all day reads a bounded number of them.

In one test: its rows take longer to make than to ask.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.auth.tasks import delete_dead_sessions
from app.core.ids import new_id
from app.summaries.counting.tasks import tally_shelves
from app.summaries.requeueing import requeue_unfinished
from app.summaries.retention import delete_uncollected_summaries, empty_trash
from app.summaries.search.tasks import index_summaries
from app.webhooks.retention import delete_old_deliveries
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.summaries.growing import SIZE, grow, most_rows, scans
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH, TEXT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# The most rows that one step may meet. A page is twenty and one, of two shelves, and what lies between.
ONE, PAGE, BATCH = 5, 200, 1_000
# Of two readers, archived or not, with each outcome and as a favourite.
TALLIES = 2 * 2 * 3 * 2
# The newest are walked until it shows that the words are rare: so far, or further where one was among them.
WORDS = 400
# A small organisation's feed sorts what its owner has: docs/scaling.md says more.
LIBRARY = SIZE.rows // 10
LISTS = {
    "": PAGE,
    "?sort=created_at": PAGE,
    "?status=failed": PAGE,
    "?favourite=true": PAGE,
    "?archived=true": PAGE,
    "?visibility=private": PAGE,
    "?tag=t150": LIBRARY,
    "?q=nowhere": WORDS,
    "?q=w5000": LIBRARY,
    "?q=w1": PAGE,
    "?q=9990": WORDS,
    "/trash": PAGE,
    "/count": TALLIES,
    "/count?archived=any&visibility=organization": TALLIES,
    "/count?status=ready": TALLIES,
    "/count?favourite=true&status=failed&archived=any": TALLIES,
    "/count?status=queued": PAGE,
    "/count?q=w5000": PAGE,
    "/count?q=w1&at_most=50": WORDS,
    "/count?created_after=2001-01-01T00:00:00Z&at_most=50": PAGE,
}
# Opens no row where the table is vacuumed.
IN_INDEX_ALONE = {f"{PATH}/count?status=queued": "Index Only Scan using ix_summaries_status"}
UPKEEP = (
    empty_trash,
    delete_uncollected_summaries,
    delete_old_deliveries,
    delete_dead_sessions,
    requeue_unfinished,
    index_summaries,
    tally_shelves,
)
# Plans for the values that are told, of everything; of lists, which have a choice of indexes, those for any
# values, too, as a connection has them of what it was asked several times: they expect few rows of a tenant.
PLANS = {"force_custom_plan": (), "force_generic_plan": tuple(f"{PATH}{path}" for path in LISTS)}
Asked = dict[str, tuple[Callable[[], Awaitable[object]], int]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who owns a tenth of all summaries."""

    client: AsyncClient
    person: Person

    async def get(self, path: str) -> Any:  # Any: JSON
        answer = await self.client.get(path, headers=self.person.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str = PATH, **body: object) -> Any:  # Any: JSON
        headers = {**self.person.headers, "Idempotency-Key": str(new_id())}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def deep(self) -> str:
        """Behind the first five hundred."""
        cursor = ""
        for _ in range(5):
            page = await self.get(f"{PATH}?limit=100&{cursor}")
            cursor = f"cursor={page['next_cursor']}"
        return cursor


async def asked_by(visitor: Visitor, *, webhook_id: str, feed: str) -> Asked:
    get, post = visitor.get, visitor.post
    oldest, older = (await get(f"{PATH}?sort=created_at&limit=2"))["items"]
    log = f"/api/v1/organizations/{visitor.person.organization_id}/audit-log"
    lists = {f"{PATH}{path}": bound for path, bound in LISTS.items()}
    lists |= {f"{PATH}?{await visitor.deep()}": PAGE, f"{PATH}/{oldest['id']}": ONE}
    lists |= {f"{PATH}/{oldest['id']}{path}": ONE for path in ("?include=text", "/versions", "/versions/3")}
    lists |= {f"/api/v1/webhooks/{webhook_id}/deliveries": PAGE, log: PAGE, feed: LIBRARY}
    return {
        **{path: (partial(get, path), bound) for path, bound in lists.items()},
        "create": (partial(post, text=TEXT), PAGE),
        "create, where an equal one may be": (partial(post, text=TEXT, on_duplicate="return"), PAGE),
        "regenerate": (partial(post, f"{PATH}/{older['id']}/regenerate"), PAGE),
    }


async def prepared(client: AsyncClient, person: Person, superuser_url: str) -> Asked:
    visitor = Visitor(client, person)
    made = await visitor.post("/api/v1/webhooks", url="https://example.com/hook", events=["summary.ready"])
    feed = urlsplit((await visitor.post(f"{PATH}/feed"))["json_url"]).path
    await grow(superuser_url, person, webhook_id=made["id"])
    return await asked_by(visitor, webhook_id=made["id"], feed=feed)


async def test_nothing_that_is_asked_all_day_reads_a_growing_table_through(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    factory: Factory,
    database_urls: DatabaseUrls,
    subtests: pytest.Subtests,
) -> None:
    await factory.enlarge(alice)
    asked = await prepared(client, alice, database_urls.superuser)
    asked |= {task.__name__: (partial(task, app.state.database), BATCH) for task in UPKEEP}
    for mode, names in PLANS.items():
        await explain_everything(database_urls.superuser, f"plan_cache_mode = {mode}")
        await app.state.database.dispose()
        with plans_of(app) as plans:
            for name in names or asked:
                ask, bound = asked[name]
                plans.clear()
                await ask()
                with subtests.test(name, mode=mode):
                    assert plans
                    assert scans(plans) == []
                    assert most_rows(plans) <= bound, "\n".join(plans)[:10_000]
                    assert IN_INDEX_ALONE.get(name, "") in "\n".join(plans)
