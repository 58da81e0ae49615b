"""Pages of what was found, in both orders; what is highlighted; what a page costs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.factories import Person
from tests.statements import statements_of
from tests.summaries.search.corpus import ask, shelve, titles
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
QUERIES = [{}, {"q": "bridge"}, {"archived": "any"}, {"tag": "x"}]


async def walked(client: AsyncClient, person: Person, **query: str) -> list[str]:
    """The titles of all pages of two."""
    seen: list[str] = []
    answer = await client.get(PATH, params={**query, "limit": "2"}, headers=person.headers)
    while True:
        assert answer.status_code == 200, answer.text
        seen += [item["title"] for item in answer.json()["items"]]
        if not answer.json()["has_more"]:
            return seen
        answer = await client.get(answer.links["next"]["url"], headers=person.headers)


async def test_every_order_of_every_query_visits_each_once(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    """Mine and the organisation's in turn, archived and not, two of each time: what is merged, and how."""
    for number in range(9):
        person = (alice, bob)[number % 2]
        when = BEGAN + timedelta(days=number // 2)
        archived = when if number % 3 == 0 else None
        shown = "organization" if number % 2 or number % 4 == 0 else "private"
        values = {"created_at": when, "archived_at": archived, "visibility": shown, "tags": ["x"]}
        await shelve(app, person, f"Bridge {number}", **values)
    for query in QUERIES:
        everything = range(9) if "archived" in query else [1, 2, 4, 5, 7, 8]
        down = await walked(client, alice, **query)
        assert sorted(down) == [f"Bridge {number}" for number in everything]
        assert await walked(client, alice, **query, sort="created_at") == down[::-1]


async def test_the_best_come_first_on_however_many_pages(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await shelve(app, alice, "Of water", summary="There was a bridge.")
    await shelve(app, alice, "A bridge")
    await shelve(app, alice, "Notes only", notes="bridge")
    best = ["A bridge", "Of water", "Notes only"]
    assert await titles(client, alice, "bridge", sort="relevance") == best
    assert await walked(client, alice, q="bridge", sort="relevance") == best


async def test_a_cursor_holds_for_its_own_words_and_order_alone(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for _ in range(3):
        await shelve(app, alice, "Bridge", tags=["x"])
    page = await ask(client, alice, "bridge", sort="relevance", limit="1")
    cursor = page.json()["next_cursor"]
    for q, sort in (("bridges", "relevance"), ("bridge", "-created_at"), ("bridge tag:x", "relevance")):
        answer = await ask(client, alice, q, sort=sort, limit="1", cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_highlights_are_plain_text_with_offsets(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    """The page's own markup, and what looks like ours, comes as it is and means nothing."""
    evil = "<script>alert(1)</script> \x02the\x03 old \U0001f309 bridges & ferries\x1f"
    await shelve(
        app, alice, evil, summary="word " * 300 + "A bridge stood here." + " word" * 300, notes="none"
    )
    (item,) = (await ask(client, alice, "bridge -boat")).json()["items"]
    title, summary = item["highlights"]
    assert title["text"] == evil.translate({2: " ", 3: " ", 31: " "})
    assert [title["text"][mark["start"] : mark["end"]] for mark in title["ranges"]] == ["bridges"]
    assert (title["field"], summary["field"]) == ("title", "summary")
    assert [summary["text"][mark["start"] : mark["end"]] for mark in summary["ranges"]] == ["bridge"]
    assert len(summary["text"]) < 400


async def test_each_summary_of_a_page_is_marked_in_its_own_language(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    """English knows the forms of a word, and no "the"; what has no language is marked by letters alone."""
    for language in ("en", "en-GB", "fr", None):
        await shelve(app, alice, "the houses of the house", language=language)
    found = (await ask(client, alice, "house the", sort="created_at")).json()["items"]
    marked = [[(each["start"], each["end"]) for each in item["highlights"][0]["ranges"]] for item in found]
    english, by_letters = [(4, 10), (18, 23)], [(0, 3), (14, 17), (18, 23)]
    french = sorted({*english, *by_letters})
    assert marked == [english, english, french, by_letters]


async def test_without_words_nothing_is_highlighted(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await shelve(app, alice, "Bridge", tags=["x"])
    for q in ("tag:x", "-ferry", ""):
        assert (await ask(client, alice, q)).json()["items"][0]["highlights"] == []


@pytest.mark.usefixtures("remembered")
async def test_a_page_of_what_was_found_costs_one_query(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for number in range(5):
        await shelve(app, alice, f"Bridge {number}", tags=["x"])
    for query in (*QUERIES, {"q": "bridge", "sort": "relevance"}):
        await client.get(PATH, params=query, headers=alice.headers)
        async with statements_of(app) as statements:
            answer = await client.get(PATH, params=query, headers=alice.headers)
        assert len(answer.json()["items"]) == 5
        assert len([sql for sql in statements if "summaries" in sql]) == 1


async def test_favourite_and_archived_are_the_summarys_own(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    url = f"{PATH}/{await shelve(app, alice, 'Bridge', visibility='organization')}"
    assert (await client.patch(url, json={"archived": True}, headers=bob.headers)).status_code == 403
    changed = await client.patch(url, json={"favourite": True, "archived": True}, headers=alice.headers)
    assert (changed.json()["favourite"], changed.json()["archived"]) == (True, True)
    for person in (alice, bob):
        assert await titles(client, person) == []
        assert await titles(client, person, archived="true", favourite="true") == ["Bridge"]
    back = await client.put(url, json={"favourite": False, "archived": False}, headers=alice.headers)
    assert (back.json()["favourite"], back.json()["archived"]) == (False, False)
    assert await titles(client, bob) == ["Bridge"]


async def test_tags_are_counted_in_what_i_may_read(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    await shelve(app, alice, "a", tags=["river", "old"])
    await shelve(app, alice, "b", tags=["river"], visibility="organization")
    for person, expected in ((alice, {"river": 2, "old": 1}), (bob, {"river": 1})):
        answer = await client.get(f"{PATH}/tags", headers=person.headers)
        assert {item["tag"]: item["count"] for item in answer.json()["items"]} == expected


async def test_an_export_has_what_the_list_has(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    await shelve(app, alice, "Bridges", tags=["x"])
    await shelve(app, alice, "Old bridge", archived_at=BEGAN)
    await shelve(app, bob, "Ferry", tags=["x"], visibility="organization")
    await shelve(app, bob, "The bridge, private", tags=["x"])
    for q in ("bridge", "tag:x", "bridge -old tag:x", "-bridge", "is:archived", "the"):
        exported = await client.get(f"{PATH}/export", params={"q": q}, headers=alice.headers)
        found = [json.loads(line)["title"] for line in exported.text.splitlines()]
        assert found == await titles(client, alice, q), q
