"""POST /summaries: what is refused, what is written, and what the answer promises."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.origin import JOB_ARGUMENT
from app.core.principal import Scope
from tests.factories import Factory, Person

pytestmark = pytest.mark.integration
PATH = "/api/v1/summaries"
TEXT = {"text": "The river rose in the night. By noon the bridge was gone."}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no source", {}, "source_missing"),
    ("two sources", {"text": "a", "html": "<p>a"}, "source_ambiguous"),
    ("url and text", {"text": "a", "url": "https://example.com"}, "source_ambiguous"),
    ("another scheme", {"url": "ftp://example.com/a"}, "url_scheme"),
    ("a password in the URL", {"url": "https://u:p@example.com/"}, "url_userinfo"),
    ("8 KB of URL", {"url": "https://example.com/" + "a" * 8192}, "url_length"),
    ("another port", {"url": "https://example.com:22/"}, "url_port"),
    ("an unknown field", {**TEXT, "engin": "x"}, "extra_forbidden"),
    ("an engine that does not exist", {**TEXT, "engine": "magic"}, "enum"),
    ("U+0000", {"text": "a\x00b"}, "forbidden_character"),
    ("an unknown length", {**TEXT, "length": "huge"}, "literal_error"),
    ("no words", {**TEXT, "length": {"words": 0}}, "greater_than_equal"),
    ("words as text", {**TEXT, "length": {"words": "50"}}, "int_type"),
    ("a flag as text", {**TEXT, "store": "no"}, "bool_type"),
    ("too many tags", {**TEXT, "tags": [str(n) for n in range(21)]}, "too_long"),
    ("no language", {**TEXT, "language": "Klingon!"}, "string_pattern_mismatch"),
]


async def test_anonymous_is_refused(client: AsyncClient) -> None:
    assert (await client.post(PATH, json=TEXT)).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "nonsense"}])
@pytest.mark.parametrize("path", ["", "/batch"])
async def test_a_strangers_body_is_not_parsed(
    client: AsyncClient, path: str, headers: dict[str, str]
) -> None:
    """Megabytes of JSON keep a process busy: whoever sends them is asked first."""
    sent = {**headers, "Content-Type": "application/json"}
    answer = await client.post(PATH + path, content=b'{"text": ', headers=sent)
    assert answer.status_code == 401


async def test_credential_without_scope_is_refused(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    reader = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    answer = await client.post(PATH, json=TEXT, headers=reader.headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient_scope"


@pytest.mark.parametrize(("_name", "body", "code"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_fault_of_syntax_is_422(
    client: AsyncClient, alice: Person, _name: str, body: dict[str, Any], code: str
) -> None:
    answer = await client.post(PATH, json=body, headers=alice.headers)
    assert answer.status_code == 422
    assert code in {fault["code"] for fault in answer.json()["errors"]}
    assert "u:p@" not in answer.text


@pytest.mark.parametrize(
    ("length", "pointer", "code"),
    [
        ("huge", "/length", "literal_error"),
        (None, "/length", "literal_error"),
        (50, "/length", "literal_error"),
        ({}, "/length/words", "missing"),
        ({"words": 0}, "/length/words", "greater_than_equal"),
        ({"sentences": 51}, "/length/sentences", "less_than_equal"),
        ({"words": 50, "sentences": 3}, "/length/words", "extra_forbidden"),
    ],
)
async def test_a_wrong_length_is_one_fault(
    client: AsyncClient, alice: Person, length: object, pointer: str, code: str
) -> None:
    answer = await client.post(PATH, json={**TEXT, "length": length}, headers=alice.headers)
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]


async def test_text_over_one_mebibyte_is_413(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(PATH, json={"text": "a" * (1024 * 1024 + 1)}, headers=alice.headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


async def test_html_may_be_larger_than_text(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(PATH, json={"html": "a" * (4 * 1024 * 1024)}, headers=alice.headers)
    assert answer.status_code == 202


async def test_refused_request_leaves_neither_row_nor_job(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await client.post(PATH, json={"url": "ftp://example.com"}, headers=alice.headers)
    assert await count_jobs(app) == 0


async def test_accepted_summary_is_queued_and_says_where_it_is(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(
        PATH, json={"url": "https://Example.com/a?utm_source=x"}, headers=alice.headers
    )
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"].endswith(f"{PATH}/{body['id']}")
    assert answer.headers["Retry-After"] == "2"
    assert body["url"] == "https://Example.com/a?utm_source=x"
    assert body["canonical_url"] == "https://example.com/a"
    assert (body["status"], body["failure"], body["visibility"]) == ("queued", None, "private")


async def test_row_and_job_are_written_together(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = (await client.post(PATH, json=TEXT, headers=alice.headers)).json()
    async with app.state.database.transaction() as session:
        job = (await session.execute(text("SELECT * FROM procrastinate_jobs"))).one()
    assert job.task_name == "summaries.summarise"
    assert job.queueing_lock == created["id"]
    given = {name: value for name, value in job.args.items() if name != JOB_ARGUMENT}
    assert given == {"organization_id": str(alice.organization_id), "summary_id": created["id"]}


async def test_backlog_of_a_tenant_lowers_its_next_jobs_priority(
    client: AsyncClient, alice: Person, charlie: Person, app: FastAPI
) -> None:
    for _ in range(10):
        await client.post(PATH, json=TEXT, headers=alice.headers)
    await client.post(PATH, json=TEXT, headers=charlie.headers)
    async with app.state.database.transaction() as session:
        rows = await session.execute(text("SELECT priority FROM procrastinate_jobs ORDER BY id"))
    assert list(rows.scalars()) == [0] * 9 + [-1, 0]


async def test_title_tags_and_notes_are_kept(client: AsyncClient, alice: Person) -> None:
    body = {**TEXT, "title": " Flood ", "tags": ["news", " news ", "river"], "notes": "for Monday"}
    created = (await client.post(PATH, json=body, headers=alice.headers)).json()
    assert (created["title"], created["tags"], created["notes"]) == ("Flood", ["news", "river"], "for Monday")


async def test_robot_creates_for_its_owner(client: AsyncClient, alice: Person, robot: Any) -> None:
    created = (await client.post(PATH, json=TEXT, headers=robot.headers)).json()
    answer = await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    assert answer.status_code == 200


async def count_jobs(app: FastAPI) -> int:
    async with app.state.database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0)
