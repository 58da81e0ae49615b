"""Whatever is asked of a large tenant, an index answers.

In one test: its rows take longer to make than to ask.
"""

import re

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Database
from app.settings import Settings, load_settings
from tests.factories import Person
from tests.load.library import add_library, add_shelf
from tests.servers import DatabaseUrls
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROWS, OTHERS = 4_000, 8_000
# What is asked, and the index that answers it; None: whichever.
LISTS = [
    ("", "shelf"),
    ("sort=created_at", "shelf"),
    ("limit=100", "shelf"),
    ("created_before=2020-01-01T00:00:00Z", None),
    ("created_after=2020-01-01T00:00:00Z", "shelf"),
    ("visibility=private", "shelf"),
    ("visibility=organization", "shelf"),
    ("archived=true", "archive"),
    ("archived=any", "archive"),
    ("status=failed", "status"),
    ("status=failed&sort=created_at", "status"),
    ("favourite=true", "favourites"),
    ("tag=t199", "search"),
    ("site=www.site999.example", "search"),
    ("q=w19999", "search"),
    ("q=nowhere", "search"),
    ('q="w100 w200"', "search"),
    ("q=w19999&sort=relevance", "search"),
    ("q=w1", None),
    ("q=w1&sort=relevance", None),
    ("q=-w1", None),
    ("q=lang:de", None),
]
COUNTS = ["status=queued", "created_after=2020-01-01T00:00:00Z", "tag=t199", "q=w1", "q=w19999", "q=-w1"]
KEPT = ["", "status=failed", "archived=any", "favourite=true"]
SCAN = re.compile(r"Seq Scan on summaries\b.*")


@pytest.fixture
def superuser(database_urls: DatabaseUrls, settings: Settings) -> Database:
    url = load_settings(database_url=database_urls.superuser).database_url
    return Database.from_settings(settings.model_copy(update={"db_statement_timeout_seconds": 60}), url=url)


@pytest.fixture
async def large(app: FastAPI, superuser: Database, alice: Person, charlie: Person) -> Person:
    """Alice, with a fourth of a table that is a large tenant's of charlie's besides."""
    async with superuser.transaction() as session:
        await add_library(session)
        for person, rows in ((alice, ROWS), (charlie, OTHERS)):
            await add_shelf(session, person.organization_id, person.user_id, first=1, last=rows)
        await session.execute(text("ANALYZE summaries"))
    await superuser.dispose()
    assert app.state.database
    return alice


async def test_an_index_answers_every_list_and_count(
    client: AsyncClient,
    app: FastAPI,
    large: Person,
    database_urls: DatabaseUrls,
    subtests: pytest.Subtests,
) -> None:
    await explain_everything(database_urls.superuser)
    await app.state.database.dispose()
    with plans_of(app) as plans:
        for path, index in [
            *((f"?{query}", index) for query, index in LISTS),
            *((f"/count?{query}", None) for query in COUNTS),
            ("/trash", "trash"),
            ("/tags", None),
        ]:
            plans.clear()
            answer = await client.get(PATH + path, headers=large.headers)
            explained = "\n".join(plans)
            with subtests.test(path):
                assert answer.status_code == 200, answer.text
                assert "on summaries" in explained
                assert SCAN.findall(explained) == []
                assert index is None or f"ix_summaries_{index}" in explained, explained
        for query in KEPT:
            plans.clear()
            await client.get(f"{PATH}/count?{query}", headers=large.headers)
            with subtests.test(query):
                assert "on shelf_tallies" in "\n".join(plans)
                assert "on summaries" not in "\n".join(plans)
