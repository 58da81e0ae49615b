"""GET /summaries/export: who may, what comes, and what it does when something breaks in the middle."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.summaries.exports.vocabulary import PLAIN_FIELDS
from tests.factories import Person, Robot
from tests.gates.openapi_document import render_document
from tests.organizations.audited import audited
from tests.summaries.shelf import PATH, create, set_columns

pytestmark = pytest.mark.integration

EXPORT = f"{PATH}/export"
READY: dict[str, Any] = {  # Any: columns
    "status": "ready",
    "title": '=HYPERLINK("http://evil")',
    "summary": "<b>Rain</b> fell.\nIt stopped.",
    "key_points": ["@point", "- two"],
    "sentences": [{"text": "Rain fell.", "start": 0, "end": 10}],
    "reading_minutes": 0.5,
    "stages": {"queued": 3},
    "usage": {"prompt_tokens": 5},
    "url": "javascript:alert(1)",
    "published_at": datetime(2026, 1, 2, tzinfo=UTC),
    "refreshed_at": datetime(2026, 1, 3, 4, 5, 6, 789, tzinfo=UTC),
}


async def export(client: AsyncClient, person: Person | Robot, **wanted: Any) -> Response:  # Any: a query
    answer = await client.get(EXPORT, params=wanted, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    "query",
    [
        "format=xml",
        "format=csv%0D%0AX-Evil:1",
        "format=",
        "status=nonsense",
        "sort=title",
        "end_marker=maybe",
    ],
)
async def test_what_the_list_or_the_format_does_not_know_is_422(
    client: AsyncClient, alice: Person, query: str
) -> None:
    answer = await client.get(f"{EXPORT}?{query}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_an_outsider_and_a_colleague_get_nothing_of_mine(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person
) -> None:
    await create(client, alice, title="mine alone")
    for other in (bob, charlie):
        assert (await export(client, other)).text == ""


async def test_the_eleventh_in_an_hour_is_429_to_this_person_only(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    for _ in range(10):
        await export(client, alice)
    refused = await client.get(EXPORT, headers=alice.headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert "Retry-After" in refused.headers
    await export(client, bob)


async def test_each_line_is_the_summary_as_a_read_shows_it(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    ids = [(await create(client, alice, tags=["b", "a"], style="bullets"))["id"] for _ in range(3)]
    await set_columns(app, alice, ids[0], **READY)
    await set_columns(app, alice, ids[1], status="failed", failure_reason="dns")
    answer = await export(client, alice)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["id"] for line in lines] == ids[::-1]
    for line in lines:
        shown = (await client.get(f"{PATH}/{line['id']}", headers=alice.headers)).json()
        assert list(line) == list(shown)
        assert line == shown


async def test_json_is_one_array_of_the_same(client: AsyncClient, alice: Person) -> None:
    assert (await export(client, alice, format="json")).json() == []
    for _ in range(2):
        await create(client, alice)
    lines = (await export(client, alice)).text.splitlines()
    assert (await export(client, alice, format="json")).json() == [json.loads(line) for line in lines]


def test_the_reference_says_what_a_json_export_is() -> None:
    paths = json.loads(render_document())["paths"]
    (one, whole) = (
        paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        for path in (f"{PATH}/{{summary_id}}", f"{PATH}/export")
    )
    assert (whole["type"], whole["items"]) == ("array", one)


async def test_csv_has_its_columns_and_no_formula(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary = await create(client, alice, tags=["x", "y"], notes="+1")
    await set_columns(app, alice, summary["id"], **READY)
    answer = await export(client, alice, format="csv")
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert tuple(row) == PLAIN_FIELDS
    assert (row["title"], row["notes"]) == (f"'{READY['title']}", "'+1")
    assert (row["key_points"], row["tags"], row["favourite"]) == ("'@point\n- two", "x; y", "false")


async def test_csv_of_nothing_is_its_header(client: AsyncClient, alice: Person) -> None:
    (header,) = csv.reader(io.StringIO((await export(client, alice, format="csv")).text))
    assert tuple(header) == PLAIN_FIELDS


async def test_markdown_shows_words_and_links_to_the_web_only(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    hostile = await create(client, alice, notes="mine")
    await set_columns(app, alice, hostile["id"], **READY)
    await create(client, alice, html="<p>x</p>" * 10, url="https://example.org/a?b=1")
    text = (await export(client, alice, format="md")).text
    assert "<b>" not in text
    assert "\\<b\\>Rain\\</b\\> fell." in text
    assert "- Source: javascript:alert(1)\n" in text
    assert "- Source: <https://example.org/a?b=1>\n" in text
    assert text.endswith("*End of the export: 2 summaries.*\n")


@pytest.mark.parametrize(
    ("wanted", "media_type"),
    [
        ("ndjson", "application/x-ndjson"),
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("md", "text/markdown; charset=utf-8"),
        ("json", "application/json"),
    ],
)
async def test_the_file_has_its_type_and_a_plain_name(
    client: AsyncClient, alice: Person, wanted: str, media_type: str
) -> None:
    answer = await export(client, alice, format=wanted)
    assert answer.headers["content-type"] == media_type
    name = answer.headers["content-disposition"]
    assert name.startswith('attachment; filename="summaries-20')
    assert name.endswith(f'.{wanted}"')
    assert answer.headers["cache-control"] == "no-store"


async def test_filters_and_order_are_the_lists(client: AsyncClient, alice: Person) -> None:
    first = await create(client, alice, tags=["kept"])
    second = await create(client, alice, tags=["kept"], visibility="organization")
    await create(client, alice)
    oldest_first = (await export(client, alice, tag="kept", sort="created_at")).text.splitlines()
    assert [json.loads(line)["id"] for line in oldest_first] == [first["id"], second["id"]]
    (one,) = (await export(client, alice, tag="kept", visibility="organization")).text.splitlines()
    assert json.loads(one)["id"] == second["id"]


async def test_what_is_in_the_trash_stays_there(client: AsyncClient, alice: Person) -> None:
    summary = await create(client, alice)
    await client.delete(f"{PATH}/{summary['id']}", headers=alice.headers)
    assert (await export(client, alice)).text == ""


async def test_the_end_marker_counts(client: AsyncClient, alice: Person) -> None:
    await create(client, alice)
    lines = (await export(client, alice, end_marker="true")).text.splitlines()
    assert json.loads(lines[-1]) == {"end": True, "count": 1}
    assert len(lines) == 2


async def test_a_key_may_and_the_audit_log_says_so(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await export(client, robot, format="csv")
    assert "summaries_exported" in await audited(app, alice)


async def test_a_refused_query_is_no_export(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await client.get(f"{EXPORT}?status=nonsense", headers=alice.headers)
    assert "summaries_exported" not in await audited(app, alice)


async def test_what_is_searched_for_is_what_leaves(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    found = await create(client, alice, tags=["kept"])
    await set_columns(app, alice, found["id"], **READY)
    await create(client, alice)
    for query in ("rain", "tag:kept", "rain tag:kept"):
        (line,) = (await export(client, alice, q=query)).text.splitlines()
        assert json.loads(line)["id"] == found["id"]
