"""POST /summaries is one statement, the claim of its key included: what it writes, and what it undoes."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, insert, select, text, update

from app.core.db import Tenant
from app.core.ids import new_id
from app.core.jobs import enqueue
from app.organizations.usage.models import UsageDay, UsageMonth
from app.summaries.models import Summary, SummaryContent, unwritten
from tests.factories import Person, Robot
from tests.statements import WAKE, statements_of
from tests.summaries.shelf import PATH, job_ids

pytestmark = pytest.mark.integration
BODY = {"url": "https://example.com/a", "title": "A", "tags": ["b", 'c"{}'], "notes": "d\\e\n"}
UNTOUCHED = ("summaries", "summary_contents", "procrastinate_jobs", "idempotency_keys", "usage_days")


async def spend(app: FastAPI, person: Person, *, left: int) -> None:
    """Of the free plan's thousand."""
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        month = func.date_trunc("month", func.timezone("UTC", func.now()))
        values = {"organization_id": person.organization_id, "month": month, "summaries": 1_000 - left}
        await session.execute(insert(UsageMonth).values(values))


async def count(app: FastAPI, person: Person, table: str) -> int:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608  # our names


async def test_spent_quota_undoes_all_of_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await spend(app, alice, left=0)
    headers = {**alice.headers, "Idempotency-Key": "once"}
    answer = await client.post(PATH, json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    assert [await count(app, alice, table) for table in UNTOUCHED] == [0] * len(UNTOUCHED)


async def test_refused_with_a_key_it_is_tried_again(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await spend(app, alice, left=0)
    headers = {**alice.headers, "Idempotency-Key": "once"}
    await client.post(PATH, json=BODY, headers=headers)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(update(UsageMonth).values(summaries=999))
    answers = [await client.post(PATH, json=BODY, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert await count(app, alice, "summaries") == 1


async def test_a_text_that_fills_the_storage_is_not_kept(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        values = {"organization_id": alice.organization_id, "bytes": 1024**3 - 5}
        await session.execute(text("INSERT INTO usage_storage VALUES (:organization_id, :bytes)"), values)
    answers = [
        await client.post(PATH, json={"text": words}, headers=alice.headers) for words in ("four", "5word")
    ]
    assert [answer.status_code for answer in answers] == [202, 403]
    assert await count(app, alice, "summary_contents") == 1


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
async def test_it_is_one_statement_with_a_key_and_without(
    app: FastAPI, client: AsyncClient, alice: Person, headers: dict[str, str]
) -> None:
    """And one that wakes workers, for which nobody waits."""
    await client.get(PATH, headers=alice.headers)
    async with statements_of(app) as statements:
        answer = await client.post(PATH, json=BODY, headers={**alice.headers, **headers})
    taken, woken = statements
    assert answer.status_code == 202
    assert "accept_summaries(" in taken
    assert WAKE in woken


async def test_its_answer_is_what_is_read_afterwards(client: AsyncClient, alice: Person) -> None:
    headers = {**alice.headers, "Idempotency-Key": "once"}
    first, again = [await client.post(PATH, json=BODY, headers=headers) for _ in range(2)]
    read = await client.get(f"{PATH}/{first.json()['id']}", headers=alice.headers)
    assert first.json() == read.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (read.json()["tags"], read.json()["notes"]) == (BODY["tags"], BODY["notes"])


async def test_every_column_is_as_the_model_would_have_written_it(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    """The statement names its columns: one that is new in the model must not be forgotten there."""
    created = (await client.post(PATH, json=BODY, headers=alice.headers)).json()
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        written = (await session.scalars(select(Summary).where(Summary.id == UUID(created["id"])))).one()
        asked = {"source", "url", "canonical_url", "submitted_key", "title", "options", "tags", "notes"}
        given = {name: getattr(written, name) for name in asked}
        plain = Summary(id=new_id(), organization_id=alice.organization_id, user_id=alice.user_id, **given)
        plain.own_title = True
        session.add(plain)
        await session.flush()
        assert row(written) == row(plain)


def row(summary: Summary) -> dict[str, Any]:  # Any: column values
    passing = {"id", "created_at", "updated_at", "asked_at"}
    return {name: getattr(summary, name) for name in set(Summary.__mapper__.column_attrs.keys()) - passing}


def test_defaults_are_filled_in_where_nothing_was_said() -> None:
    summary, other = unwritten(tags=["a"], version=3), unwritten()
    assert (summary.tags, summary.version, summary.status, summary.key_points) == (["a"], 3, "queued", [])
    assert (summary.title, summary.favourite, summary.attempt) == (None, False, 0)
    assert summary.key_points is not other.key_points


async def test_a_robots_submission_is_counted_as_its_keys(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await client.post(PATH, json=BODY, headers=robot.headers)
    await client.post(PATH, json=BODY, headers=robot.headers)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        month = (await session.scalars(select(UsageMonth.summaries))).one()
        day = (await session.scalars(select(UsageDay))).one()
    assert (month, day.summaries, day.api_key_id.int == 0) == (2, 2, False)


async def test_a_file_and_a_text_are_kept_for_the_job(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    file = {"file": ("a.html", b"<p>The river rose.", "text/html")}
    uploaded = await client.post(f"{PATH}/upload", files=file, headers=alice.headers)
    written = await client.post(PATH, json={"text": "The bridge was gone."}, headers=alice.headers)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        columns = SummaryContent.summary_id, SummaryContent.input, SummaryContent.document_name
        rows = (await session.execute(select(*columns, SummaryContent.document))).all()
    assert {str(each.summary_id): tuple(each)[1:] for each in rows} == {
        uploaded.json()["id"]: (None, "a.html", b"<p>The river rose."),
        written.json()["id"]: ("The bridge was gone.", None, None),
    }


async def test_a_job_that_waits_already_is_not_enqueued_again(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        enqueued = [await enqueue(session, "x", args={"n": n}, queueing_lock="one") for n in range(2)]
    assert enqueued == [True, False]
    assert len(await job_ids(app.state.database)) == 1
