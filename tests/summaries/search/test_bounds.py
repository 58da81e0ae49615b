"""What one search may cost the database that everybody shares, whoever wrote the summary and the query.

The functions are asked past the bounds of `q`: what they cost must not hang on those. Without bounds of their
own each of these calls takes minutes, and no timeout ends one.
"""

import json

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Database, Tenant
from app.summaries.filters import Filters
from app.summaries.search.highlights import PIECES, WHOLE, read_marks
from tests.factories import Person
from tests.summaries.search.corpus import ask, shelve, titles

pytestmark = pytest.mark.integration

IMPATIENT = text("SET LOCAL statement_timeout = '1s'")
HIGHLIGHT = text(
    "SELECT search_mark(:content, words, lexemes, query, :options)"
    " FROM search_readings(CAST(:terms AS jsonb), ARRAY['simple'], 32)"
)
BEST = text(
    "SELECT summary_id FROM find_summaries(CAST(:wanted AS jsonb), 'relevance', NULL, NULL, NULL, 20)"
)
MARKS = text(
    "SELECT CAST(search_any(ARRAY(SELECT search_lexemes('english', CAST(:terms AS jsonb), 3))) AS text)"
)
LETTERS = "".join(chr(0x4E00 + number) for number in range(95))
HOSTILE = [
    ("字" * 20_000, ["字" * 95] * 4),
    ("字文" * 10_000, ["字文" * 47]),
    (LETTERS * 210, [LETTERS]),
    ("x y " * 5_000, [" ".join(["x y"] * 24)]),
    ("a" * 20_000, [f"b{'a' * 90}{number}" for number in range(20)]),
]
MARKED = [
    ('["old bridges", "the old"]', "'old' | 'bridg'"),
    ('["a\' | !x"]', "'x'"),
    ('["O\'Hara: one, two & three"]', "'o' | 'hara' | 'one'"),
    ('["the"]', None),
    ("[]", None),
]


async def test_no_text_and_no_query_makes_a_highlight_dear(app: FastAPI, subtests: pytest.Subtests) -> None:
    database: Database = app.state.database
    for number, (content, terms) in enumerate(HOSTILE):
        values = {"content": content, "terms": json.dumps(terms)}
        for options in (PIECES, WHOLE):
            with subtests.test(str(number)):
                async with database.transaction() as session:
                    await session.execute(IMPATIENT)
                    marked = await session.scalar(HIGHLIGHT, {**values, "options": options})
                assert (read_marks("summary", marked) is None) == content.startswith("aa")


async def test_no_text_and_no_query_makes_a_rank_dear(app: FastAPI, alice: Person) -> None:
    made = await shelve(app, alice, "Letters", summary=LETTERS * 210, language="zh")
    database: Database = app.state.database
    async with database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        await session.execute(IMPATIENT)
        wanted = json.dumps(Filters(terms=(LETTERS,)).wanted())
        assert [str(each) for each in await session.scalars(BEST, {"wanted": wanted})] == [made]


async def test_marks_are_some_single_words_each_once(app: FastAPI, subtests: pytest.Subtests) -> None:
    for asked, marks in MARKED:
        async with app.state.database.transaction() as session:
            with subtests.test(asked):
                assert await session.scalar(MARKS, {"terms": asked}) == marks


async def test_a_highlight_far_down_a_long_text_is_found(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    notes = "A cambridge scholar. " * 200 + "Two old bridges." + " word" * 200
    await shelve(app, alice, "Far", notes=notes)
    (mark,) = (await ask(client, alice, "bridge")).json()["items"][0]["highlights"]
    assert "Two old bridges." in mark["text"]


async def test_a_phrase_still_finds_only_what_has_it(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    for title in ("京都の橋", "東京の橋"):
        await shelve(app, alice, title, language="ja")
    for sort in ("-created_at", "relevance"):
        assert await titles(client, alice, "東京の", sort=sort) == ["東京の橋"]
