"""GET /summaries?q=…: what is found, by whose words, in which order, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import Scope
from tests.factories import Factory, Person
from tests.summaries.search.corpus import ask, count, shelve, titles
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration

REFUSED = [
    ('"never closed', "unclosed_quote"),
    ("tga:news", "unknown_filter"),
    ("tag:", "empty_value"),
    ('site:""', "empty_value"),
    ("status:done", "invalid_value"),
    ("is:unread", "invalid_value"),
    ("before:yesterday", "invalid_value"),
    ("after:2026-13-01", "invalid_value"),
    ("lang:english!", "invalid_value"),
    ("site:a/b", "invalid_value"),
    ("site:a..b", "invalid_value"),
    ("-status:ready", "not_negatable"),
    ("-before:2026-01-01", "not_negatable"),
    ("status:ready status:failed", "given_twice"),
    ("is:archived -is:archived", "given_twice"),
    ("w " * 21, "too_many_parts"),
    ("x" * 101, "too_long"),
    ("字" * 33, "too_many_words"),
    ('"' + "x " * 20 + '" -"' + "y " * 13 + '"', "too_many_words"),
    ("한국어의긴문장은글자마다낱말로 " * 3, "too_many_words"),
]
FILTERED: list[tuple[str, list[str]]] = [
    ("tag:news", ["c", "a"]),
    ("-tag:news", ["b"]),
    ("tag:news -tag:river", ["c"]),
    ("site:example.com", ["b", "a"]),
    ("site:NEWS.example.com", ["a"]),
    ("site:bücher.example", ["c"]),
    ("lang:de", ["b"]),
    ("status:failed", ["c"]),
    ("is:favourite", ["a"]),
    ("-is:favourite", ["c", "b"]),
    ("is:archived", ["d"]),
    ("is:shared", ["b"]),
    ("-is:shared", ["c", "a"]),
    ("after:2026-01-02", ["c", "b"]),
    ("before:2026-01-02", ["a"]),
    ("after:2026-01-02T00:00:00Z before:2026-01-03", ["b"]),
    ('"tag:news"', []),
]
HARMLESS = [
    "' OR true --",
    "foo') || pg_sleep(5) --",
    "a & b | !c <-> (d:*)",
    "tag:it's\\",
    r"\\ \' :* <2>",
    "=in:*",
    "<b>bold</b> &amp;",
    "100% $1 :name %s {0}",
    "\u202e\u0001\x02\x03\x1f\U0001f600",
    "the",
    "-the",
    "- -- a - b",
    "https://example.com/?q=1:2",
    "12:30",
]


async def test_what_cannot_be_read_is_refused_and_pointed_at(
    client: AsyncClient, alice: Person, subtests: pytest.Subtests
) -> None:
    for q, code in REFUSED:
        answer = await ask(client, alice, q)
        with subtests.test(q):
            assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
            (fault,) = answer.json()["errors"]
            assert (fault["pointer"], fault["code"]) == ("#/query/q", code)
            assert "tag:" in answer.json()["hint"]


async def test_too_long_and_nul_are_refused(client: AsyncClient, alice: Person) -> None:
    assert (await ask(client, alice, "x " * 201)).status_code == 422
    assert (await ask(client, alice, "a\x00b")).status_code == 422


@pytest.mark.parametrize("query", ["q=%ff", "tag=%ff", "site=%C3", "q=a&tag=%ED%A0%80"])
@pytest.mark.parametrize("path", ["", "/count"])
async def test_what_is_not_utf_8_is_refused(
    client: AsyncClient, alice: Person, path: str, query: str
) -> None:
    answer = await client.get(f"{PATH}{path}?{query}", headers=alice.headers)
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == ["invalid_encoding"]


@pytest.mark.parametrize("path", ["", "/count"])
async def test_nobody_and_the_wrong_scope_find_nothing(
    client: AsyncClient, alice: Person, factory: Factory, path: str
) -> None:
    narrow = await factory.with_scopes(alice, Scope.SUMMARIES_WRITE)
    assert (await client.get(f"{PATH}{path}?q=river")).status_code == 401
    assert (await client.get(f"{PATH}{path}?q=river", headers=narrow.headers)).status_code == 403


async def test_a_letter_is_found_however_it_is_spelled(client: AsyncClient, alice: Person) -> None:
    for cafe in ("café", "cafe\u0301"):
        body = {
            "text": "It rained.",
            "title": f"{cafe} {len(cafe)}",
            "tags": [cafe],
            "notes": f"An old {cafe}.",
        }
        assert (await client.post(PATH, json=body, headers=alice.headers)).json()["tags"] == ["café"]
    for cafe in ("café", "cafe\u0301"):
        for q, query in ((cafe, {}), (f"tag:{cafe}", {}), (f'"old {cafe}"', {}), (None, {"tag": cafe})):
            # The second: spelled so that it is not answered before routing.
            for sent in (query, {**query, "created_after": "2020-01-01T00:00:00Z"}):
                assert await titles(client, alice, q, **sent) == ["café 5", "café 4"], (q, query)


async def test_relevance_needs_words(client: AsyncClient, alice: Person) -> None:
    answer = await ask(client, alice, "tag:news", sort="relevance")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/sort")


@pytest.mark.parametrize(
    ("q", "parameter"),
    [("status:ready", {"status": "failed"}), ("is:archived", {"archived": "false"})],
)
async def test_a_parameter_that_contradicts_q_is_refused(
    client: AsyncClient, alice: Person, q: str, parameter: dict[str, str]
) -> None:
    answer = await ask(client, alice, q, **parameter)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "given_twice")


async def test_nothing_of_q_is_read_as_sql(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    await shelve(app, alice, "Bridges", tags=["it's\\"])
    for q in HARMLESS:
        for sort in ("-created_at", "relevance"):
            answer = await ask(client, alice, q, sort=sort)
            assert answer.status_code in {200, 422}, (q, answer.text)
        assert (await client.get(f"{PATH}/count", params={"q": q}, headers=alice.headers)).status_code == 200
    assert await titles(client, alice, "tag:it's\\") == ["Bridges"]


async def test_a_word_is_found_in_every_form_that_its_language_gives_it(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await shelve(app, alice, "Running rivers")
    await shelve(app, alice, "Die Häuser am Fluss", language="de")
    await shelve(app, alice, "Les rivières", language="fr-CA")
    assert await titles(client, alice, "run river") == ["Running rivers"]
    assert await titles(client, alice, "Haus") == ["Die Häuser am Fluss"]
    assert await titles(client, alice, "rivière") == ["Les rivières"]


async def test_words_are_read_in_the_language_of_each_summary(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    """Die is an article in German, and so no word; in English it is one."""
    await shelve(app, alice, "Die Brücke", language="de")
    await shelve(app, alice, "Stars die", language="en")
    assert await titles(client, alice, "die") == ["Stars die"]
    assert await titles(client, alice, "die Brücke") == ["Die Brücke"]


async def test_chinese_and_japanese_are_found_by_parts_of_a_sentence(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await shelve(app, alice, "東京都の新しい橋", language="ja")
    await shelve(app, alice, "京都", language="ja")
    assert await titles(client, alice, "東京") == ["東京都の新しい橋"]
    answer = await ask(client, alice, "東京")
    (mark,) = answer.json()["items"][0]["highlights"]
    assert (mark["text"], mark["ranges"]) == ("東京都の新しい橋", [{"start": 0, "end": 2}])


async def test_a_phrase_wants_its_words_side_by_side(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await shelve(app, alice, "The old bridge fell")
    await shelve(app, alice, "A bridge of old")
    assert await titles(client, alice, '"old bridge"') == ["The old bridge fell"]
    assert await titles(client, alice, 'bridge -"old bridge"') == ["A bridge of old"]
    assert await titles(client, alice, "-fell") == ["A bridge of old"]


async def test_each_filter_narrows_list_and_count(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    rows: list[dict[str, Any]] = [
        {"tags": ["news", "river"], "canonical_url": "https://news.example.com/x", "favourite": True},
        {"language": "de", "visibility": "organization", "canonical_url": "http://example.com:8080/?a"},
        {"tags": ["news"], "status": "failed", "canonical_url": "https://xn--bcher-kva.example/"},
        {"archived_at": datetime(2026, 2, 1, tzinfo=UTC), "tags": ["news"]},
    ]
    for number, row in enumerate(rows, 1):
        await shelve(app, alice, "abcd"[number - 1], created_at=datetime(2026, 1, number, tzinfo=UTC), **row)
    for q, expected in FILTERED:
        with subtests.test(q):
            assert await titles(client, alice, q) == expected
            assert await count(client, alice, q) == len(expected)


async def test_parameters_say_what_q_says(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    wanted = {"tags": ["news"], "canonical_url": "https://a.example.com/", "favourite": True}
    when = datetime(2026, 1, 2, tzinfo=UTC)
    await shelve(app, alice, "a", created_at=when, archived_at=when, **wanted)
    await shelve(app, alice, "b")
    for name, value in {
        "tag": "news",
        "site": "example.com",
        "favourite": "true",
        "created_before": "2026-01-02T00:00:01Z",
    }.items():
        assert await titles(client, alice, **{name: value}) == []
        assert await titles(client, alice, **{name: value, "archived": "any"}) == ["a"]
        both = {name: value, "archived": "true", "created_after": "2026-01-02T00:00:00Z"}
        assert await titles(client, alice, "is:archived", **both) == ["a"]
    answer = await ask(client, alice, site="a/b")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/site")
