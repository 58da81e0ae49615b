"""GET of the list and its count: what is on it, in what order, for how many queries."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.factories import Person
from tests.statements import statements_of
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("path", ["", "/count"])
async def test_anonymous_is_refused(client: AsyncClient, path: str) -> None:
    assert (await client.get(PATH + path)).status_code == 401


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "status=done", "sort=title", "tag=%00", "visibility=all", "page=2", "skip=1"],
)
async def test_bad_parameter_is_422(client: AsyncClient, alice: Person, query: str) -> None:
    assert (await client.get(f"{PATH}?{query}", headers=alice.headers)).status_code == 422


async def test_cursor_of_another_filter_is_refused(client: AsyncClient, alice: Person) -> None:
    for _ in range(2):
        await create(client, alice)
    page = (await client.get(f"{PATH}?limit=1", headers=alice.headers)).json()
    other = f"{PATH}?limit=1&status=ready&cursor={page['next_cursor']}"
    answer = await client.get(other, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_list_has_mine_and_what_is_shared_with_me(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    mine = await create(client, bob)
    shared = await create(client, alice, visibility="organization")
    await create(client, alice)
    await create(client, charlie, visibility="organization")
    page = (await client.get(PATH, headers=bob.headers)).json()
    assert [item["id"] for item in page["items"]] == [shared["id"], mine["id"]]
    assert (await client.get(f"{PATH}/count", headers=bob.headers)).json() == {"count": 2}


@pytest.mark.parametrize("sort", ["-created_at", "created_at"])
async def test_following_the_links_visits_each_once(client: AsyncClient, alice: Person, sort: str) -> None:
    created = [(await create(client, alice))["id"] for _ in range(5)]
    seen: list[str] = []
    url: str | None = f"{PATH}?limit=2&sort={sort}"
    while url:
        answer = await client.get(url, headers=alice.headers)
        assert answer.json()["has_more"] == ("next" in answer.links)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == (created if sort == "created_at" else created[::-1])


async def test_filters_narrow_list_and_count(client: AsyncClient, alice: Person) -> None:
    wanted = await create(client, alice, tags=["river", "news"], visibility="organization")
    await create(client, alice, tags=["river"])
    query = "tag=news&visibility=organization&status=queued"
    page = (await client.get(f"{PATH}?{query}", headers=alice.headers)).json()
    assert [item["id"] for item in page["items"]] == [wanted["id"]]
    assert (await client.get(f"{PATH}/count?{query}", headers=alice.headers)).json() == {"count": 1}


@pytest.mark.parametrize(
    ("query", "many"),
    [
        ("", 3),
        ("status=queued", 3),
        ("status=ready", 0),
        ("created_after=2020-01-01T00:00:00Z", 3),
        # Of one shelf alone.
        ("created_after=2020-01-01T00:00:00Z&visibility=organization", 2),
        ("archived=any&tag=river", 3),
    ],
)
async def test_a_count_goes_no_further_than_is_asked(
    client: AsyncClient, alice: Person, query: str, many: int
) -> None:
    for visibility in ("private", "organization", "organization"):
        await create(client, alice, tags=["river"], visibility=visibility)
    whole = (await client.get(f"{PATH}/count?{query}", headers=alice.headers)).json()["count"]
    assert whole == many
    for at_most in (1, 2, 3, 4, 10_000):
        answer = await client.get(f"{PATH}/count?{query}&at_most={at_most}", headers=alice.headers)
        assert answer.json() == {"count": min(whole, at_most)}, at_most


@pytest.mark.parametrize("at_most", ["0", "10001", "-1", "many", ""])
async def test_a_count_is_told_how_far_in_a_whole_number(
    client: AsyncClient, alice: Person, at_most: str
) -> None:
    answer = await client.get(f"{PATH}/count?at_most={at_most}", headers=alice.headers)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/query/at_most"]


@pytest.mark.parametrize("query", ["limit=5", "limit=5&status=queued"])
async def test_page_of_many_costs_one_query_and_another_where_a_row_is_new(
    client: AsyncClient, alice: Person, app: FastAPI, query: str
) -> None:
    for number in range(6):
        await create(client, alice, tags=[str(number)])
    for expected in (2, 1):
        async with statements_of(app) as statements:
            await client.get(f"{PATH}?{query}", headers=alice.headers)
        assert len([sql for sql in statements if "summaries" in sql]) == expected
