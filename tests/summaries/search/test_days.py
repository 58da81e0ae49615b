"""What is too rare to be walked to is looked for by days, then by spans of 32, then in all that is left."""

from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.growing import most_rows
from tests.summaries.search.days import A_DAY, EACH, ROWS, fill_days
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration

PAGE = 20
# A page is of five days, which two of them tell; and what is left of it is of two spans.
DAYS, LOOKS = 2, 4
# So few that a span has less than one match, and that a page is further away than all spans that are asked.
FEW_A_DAY = 5
MATCHES = ROWS // EACH
# As beside ten million rows: what a row takes outweighs what workers cost.
AS_IF_LARGE = (
    "min_parallel_table_scan_size = 0",
    "parallel_setup_cost = 0",
    "parallel_tuple_cost = 0",
    "cpu_operator_cost = 1",
)


def numbers(items: Sequence[dict[str, str]]) -> list[int]:
    """Of the titles: the higher, the older."""
    return [int(item["title"].split()[1]) for item in items]


async def test_a_page_meets_what_its_own_days_have(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await fill_days(app, alice)
    async with app.state.database.transaction() as session:
        await session.execute(text("ANALYZE summaries"))
    await explain_everything(database_urls.superuser, *AS_IF_LARGE)
    await app.state.database.dispose()
    with plans_of(app) as plans:
        answer = await client.get(f"{PATH}?q=lantern", headers=alice.headers)
    assert numbers(answer.json()["items"]) == [EACH * n for n in range(1, PAGE + 1)]
    looks = [plan for plan in plans if "Bitmap Index Scan on ix_summaries_search" in plan]
    assert len(looks) == LOOKS
    assert most_rows(looks[:DAYS]) <= A_DAY // EACH, "\n".join(looks)
    assert most_rows(looks) <= MATCHES, "\n".join(looks)
    assert "Gather" not in "\n".join(looks), "to start workers takes ten times what a day does"


@pytest.mark.parametrize("a_day", [A_DAY, FEW_A_DAY])
@pytest.mark.parametrize("sort", ["-created_at", "created_at"])
async def test_every_page_in_both_orders(
    client: AsyncClient, app: FastAPI, alice: Person, sort: str, a_day: int
) -> None:
    """What is left out is compared row by row for a thousand, of which four match; then by the index."""
    await fill_days(app, alice, a_day=a_day)
    expected = [EACH * n for n in range(1, MATCHES + 1)]
    for asked in ("lantern", "number -ferry", "number -tag:ferry", "number -ferry -tag:ferry"):
        found = await every_page(client, alice, f"q={asked}&sort={sort}")
        assert found == (expected if sort == "-created_at" else expected[::-1]), asked


async def every_page(client: AsyncClient, person: Person, asked: str) -> list[int]:
    found: list[int] = []
    cursor = ""
    for _ in range(MATCHES):
        answer = await client.get(f"{PATH}?{asked}&limit=9{cursor}", headers=person.headers)
        page = answer.json()
        found += numbers(page["items"])
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    return found


async def test_what_is_between_two_times_ends_there(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await fill_days(app, alice)
    # From six and a half days before NOW until two and a half, which have four of the word each.
    between = "created_before=2026-03-08T12:00:00Z&created_after=2026-03-04T12:00:00Z"
    for sort, expected in (("-created_at", range(11, 27)), ("created_at", range(26, 10, -1))):
        answer = await client.get(f"{PATH}?q=lantern&{between}&sort={sort}", headers=alice.headers)
        assert numbers(answer.json()["items"]) == [EACH * n for n in expected]


async def test_nobody_elses_days_are_among_them(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    """Another tenant's rows of the same days, and alice's own ones there; in hers what is private to bob."""
    await fill_days(app, charlie)
    await fill_days(app, charlie, user=alice)
    await fill_days(app, alice, user=bob)
    for asked in ("lantern", "number -ferry"):
        answer = await client.get(f"{PATH}?q={asked}", headers=alice.headers)
        assert numbers(answer.json()["items"]) == [EACH * n for n in range(1, 2 * PAGE, 2)], asked
