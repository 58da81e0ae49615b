"""What the database keeps beside each summary: always as its row is, and for old rows too."""

import random

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.summaries.search.tasks import index_summaries
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.search.corpus import shelve, titles
from tests.summaries.shelf import PATH
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

FORGET = (
    "ALTER TABLE summaries DISABLE TRIGGER set_search",
    "UPDATE summaries SET search = NULL",
    "ALTER TABLE summaries ENABLE TRIGGER set_search",
)
# Of everything as much as the columns may hold, and of a page's own more than they should.
HUGE = {"title": 500, "notes": 10_000, "summary": 200_000, "author": 5_000, "site_name": 5_000}


async def test_whatever_is_changed_is_found_by_its_new_words(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    url = f"{PATH}/{await shelve(app, alice, 'Bridges', tags=['old'])}"
    changes = {"title": "Ferries", "notes": "with lanterns", "summary": "They float.", "tags": ["new"]}
    await client.patch(url, json={**changes, "url": "https://harbour.example/"}, headers=alice.headers)
    for q in ("bridges", "tag:old"):
        assert await titles(client, alice, q) == []
    for q in ("ferry", "lantern", "floating", "tag:new", "site:harbour.example", "harbour.example"):
        assert await titles(client, alice, q) == ["Ferries"], q


async def test_what_is_trashed_is_not_found_until_it_is_restored(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    url = f"{PATH}/{await shelve(app, alice, 'Bridges')}"
    await client.delete(url, headers=alice.headers)
    assert await titles(client, alice, "bridge") == []
    await client.post(f"{url}/restore", headers=alice.headers)
    assert await titles(client, alice, "bridge") == ["Bridges"]


async def test_old_rows_of_every_tenant_are_filled_and_nothing_else_of_them_changes(
    client: AsyncClient, alice: Person, charlie: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    for person in (alice, charlie, charlie):
        await shelve(app, person, "Bridges")
    await execute(database_urls.superuser, *FORGET)
    rows = "SELECT to_jsonb(s) - 'search' AS row FROM summaries s ORDER BY id"
    before = await ask(database_urls.superuser, rows)
    assert await titles(client, alice, "bridge") == []
    assert await index_summaries(app.state.database, batch=2) == 3
    assert await ask(database_urls.superuser, rows) == before
    assert await titles(client, alice, "bridge") == ["Bridges"]
    assert await index_summaries(app.state.database) == 0


async def test_however_much_a_page_wrote_its_row_is_written(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    """A tsvector has a limit, beyond which the writing itself would fail: the job, too."""
    letters = random.Random(4711)  # noqa: S311  # no secret
    words = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) if n % 3 else " " for n in range(200_000))
    texts = {name: words[:length] for name, length in HUGE.items()}
    lists = {name: ["x" * 3000, *words.split()[:20_000]] for name in ("keywords", "key_points")}
    await shelve(app, alice, texts.pop("title"), language="zh", **lists, **texts)
    assert len(await titles(client, alice, f'"{texts["notes"][1:3]}"')) == 1


async def test_lists_do_not_load_the_words(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    await shelve(app, alice, "Bridges")
    item = (await client.get(PATH, headers=alice.headers)).json()["items"][0]
    assert "search" not in item
    assert item["highlights"] == []
