"""What is submitted in one moment is one transaction, of tenants that have nothing to do with each other."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from app.core import group_commit
from app.core.db import Tenant
from app.core.idempotency import Once
from app.core.idempotency_seal import Answer
from app.core.idempotency_store import KeyedRequest
from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.reading.article import RawDocument
from app.summaries.schemas import SummaryDraft
from app.summaries.taking.repository import LARGE_BYTES, Entry, TakenIn, write_group
from app.summaries.taking.service import PlainIntake
from tests.catalogue import ask
from tests.factories import Factory, Person, principal_of
from tests.servers import DatabaseUrls
from tests.statements import statements_of
from tests.summaries.shelf import PATH
from tests.summaries.test_taking_in import UNTOUCHED, count, spend

pytestmark = pytest.mark.integration
URL: dict[str, Any] = {"url": "https://example.com/a"}  # Any: a draft's fields
TEXT: dict[str, Any] = {"text": "It rained."}  # Any: as above
JOBS = "procrastinate_jobs WHERE task_name = 'summaries.summarise'"
HELD_SECONDS = 0.4
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE '%accept_summaries%'
"""


def entry(
    app: FastAPI, person: Person, *, key: str | None = None, fingerprint: bytes = b"1", **draft: Any
) -> Entry:  # Any: a draft's fields
    principal = principal_of(person)
    keyed = key and KeyedRequest(
        person.organization_id, person.user_id, person.user_id, PATH, key, fingerprint
    )
    once = Once(keyed or None, seal=app.state.answer_seal, database=app.state.database)
    intake = PlainIntake(
        app.state.intake_desk, principal, once, lambda _: Answer(202, (), b"{}"), frozenset(), None
    )
    prepared = intake.prepare(SummaryDraft(**(draft or URL)))
    assert prepared is not None
    return Entry(principal, prepared.writing, None)


async def write(app: FastAPI, *entries: Entry) -> Sequence[TakenIn | None]:
    return await write_group(app.state.database, entries)


@asynccontextmanager
async def month_held(app: FastAPI, person: Person) -> AsyncIterator[None]:
    """Nobody else can count in this tenant's month meanwhile."""
    tenant = Tenant(person.organization_id)
    async with app.state.database.transaction(tenant) as session:
        await session.execute(text("SELECT FROM usage_months FOR UPDATE"))
        yield


async def cut_off(urls: DatabaseUrls) -> bool:
    """Once a group waits for a lock."""
    for _ in range(200):
        if await ask(urls.superuser, CUT):
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.mark.usefixtures("remembered")
async def test_posts_at_once_are_fewer_statements_and_each_is_its_own_tenants(
    client: AsyncClient, app: FastAPI, factory: Factory
) -> None:
    people = [await factory.person(f"writer{number}") for number in range(4)]
    for person in people:
        await client.get(PATH, headers=person.headers)
    async with statements_of(app) as statements:
        posts = [client.post(PATH, json=URL, headers=person.headers) for person in people * 5]
        answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {202}
    assert 0 < len([each for each in statements if "accept_summaries(" in each]) < len(posts)
    assert len({answer.json()["id"] for answer in answers}) == len(posts)
    for number, person in enumerate(people):
        listed = (await client.get(PATH, headers=person.headers)).json()["items"]
        assert {item["id"] for item in listed} == {answer.json()["id"] for answer in answers[number::4]}


async def test_each_kind_of_source_is_written_in_its_place(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    told = entry(app, charlie, **TEXT)
    document = entry(app, alice)
    raw = RawDocument(b"It \x00 snowed.", "text/plain", name="snow.txt")
    document = replace(document, writing=replace(document.writing, submitted=raw))
    await write(app, document, told, entry(app, alice))
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        row = (await session.execute(text("SELECT * FROM summary_contents"))).one()
    assert (row.summary_id, row.document) == (document.writing.summary.id, raw.body)
    assert (row.document_name, row.document_type, row.input) == ("snow.txt", "text/plain", None)
    async with app.state.database.transaction(Tenant(charlie.organization_id, charlie.user_id)) as session:
        row = (await session.execute(text("SELECT * FROM summary_contents"))).one()
    assert (row.summary_id, row.input, row.document) == (told.writing.summary.id, "It rained.", None)
    assert await count(app, alice, JOBS) == 3


async def test_each_of_a_tenants_stands_behind_the_one_before(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    mine, theirs = [entry(app, alice) for _ in range(12)], entry(app, charlie)
    taken = await write(app, *mine[:6], theirs, *mine[6:])
    assert [each.ahead for each in taken if each] == [*range(6), 0, *range(6, 12)]
    told = await write(app, *(replace(each, ahead=40) for each in (entry(app, alice), entry(app, alice))))
    assert [each.ahead for each in told if each] == [40, 41]


async def test_a_spent_quota_undoes_its_own_and_nobody_elses(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    await spend(app, alice, left=0)
    taken = await write(app, entry(app, charlie), entry(app, alice, key="k"), entry(app, charlie))
    assert [each is None for each in taken] == [False, True, False]
    mine = [table for table in UNTOUCHED if table != "procrastinate_jobs"]
    assert [await count(app, alice, table) for table in mine] == [0] * len(mine)
    assert (await count(app, charlie, "summaries"), await count(app, charlie, JOBS)) == (2, 2)


async def test_the_last_of_a_quota_is_taken_by_the_first_of_the_group(app: FastAPI, alice: Person) -> None:
    # The thousandth tells the owners, which is more than this statement does.
    await spend(app, alice, left=3)
    taken = await write(app, *(entry(app, alice) for _ in range(5)))
    assert [each is None for each in taken] == [False, False, True, True, True]
    assert await count(app, alice, "summaries") == 2


async def test_a_key_that_comes_twice_acts_once_and_the_second_hears_of_the_first(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    first = entry(app, alice, key="k")
    again, other = entry(app, alice, key="k"), entry(app, alice, key="k", fingerprint=b"2")
    taken = await write(app, first, again, other, entry(app, charlie, key="k"))
    keeping = first.writing.keeping
    assert keeping is not None
    claims = [each.claim for each in taken if each]
    assert [claim.answer for claim in claims] == [None, keeping.answer, keeping.answer, None]
    assert [claim.fingerprint for claim in claims] == [None, b"1", b"1", None]
    assert (await count(app, alice, "summaries"), await count(app, charlie, "summaries")) == (1, 1)


async def test_a_key_that_another_request_holds_is_left_to_it(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    held = entry(app, alice, key="k")
    assert held.writing.keeping is not None
    async with app.state.database.transaction() as session:
        lock = {"lock": held.writing.keeping.request.lock}
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), lock)
        taken = await write(app, held, entry(app, charlie))
    assert [each.claim.is_locked for each in taken if each] == [False, True]
    assert (await count(app, alice, "summaries"), await count(app, charlie, "summaries")) == (0, 1)


async def test_a_row_for_another_than_the_named_tenant_is_refused_by_itself(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    """The second wall: a principal that is mistaken for somebody else's."""
    forged = replace(entry(app, alice), principal=principal_of(charlie))
    with pytest.raises(DBAPIError, match="row-level security"):
        await write(app, entry(app, charlie), forged)
    assert [await count(app, each, "summaries") for each in (alice, charlie)] == [0, 0]
    desk = app.state.intake_desk
    posts = (desk.take_in(each) for each in (entry(app, charlie), forged, entry(app, alice)))
    told = await asyncio.gather(*posts, return_exceptions=True)
    assert [type(each) for each in told] == [TakenIn, type(told[1]), TakenIn]
    assert isinstance(told[1], DBAPIError)
    assert [await count(app, each, "summaries") for each in (alice, charlie)] == [1, 1]


async def test_a_tenant_that_is_locked_keeps_nobody_else_waiting(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    desk = app.state.intake_desk
    await write(app, entry(app, alice))
    with capture_logs() as lines:
        async with month_held(app, alice):
            waits = asyncio.create_task(desk.take_in(entry(app, alice)))
            assert await desk.take_in(entry(app, charlie)) is not None
            assert not waits.done()
        assert await waits is not None
    assert [line["event"] for line in lines] == ["group_undone"]
    assert (await count(app, alice, "summaries"), await count(app, charlie, "summaries")) == (2, 1)


async def test_one_alone_waits_as_long_as_any_statement_does(app: FastAPI, alice: Person) -> None:
    await write(app, entry(app, alice))
    async with month_held(app, alice):
        waits = asyncio.create_task(app.state.intake_desk.take_in(entry(app, alice)))
        await asyncio.sleep(HELD_SECONDS)
        assert not waits.done()
    assert await waits is not None


async def test_what_is_large_keeps_nobody_else_waiting(app: FastAPI, alice: Person, charlie: Person) -> None:
    desk, large = app.state.intake_desk, entry(app, alice, text="a" * (LARGE_BYTES + 1))
    async with statements_of(app) as statements:
        small = (entry(app, charlie), entry(app, charlie, text="a" * LARGE_BYTES))
        assert all(await asyncio.gather(*(desk.take_in(each) for each in (small[0], large, small[1]))))
    assert len(statements) == 2


async def test_groups_that_cross_wait_for_each_other_and_never_in_a_circle(
    app: FastAPI, factory: Factory, alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of several processes do: of the same tenants and people, in any order."""
    monkeypatch.setattr(group_commit, "LOCK_PATIENCE_MS", 10_000)  # PostgreSQL finds a circle after one
    bob = await factory.member("bob", alice.organization_id, role=MembershipRole.MEMBER)
    people, dice = [alice, bob, charlie], random.Random(7)  # noqa: S311  # an order, no secret
    for person in people:
        await factory.enlarge(person)

    async def submit(number: int) -> Sequence[TakenIn | None]:
        # A text is counted in its tenant's storage besides.
        drafts = [(person, draft) for person in people for draft in (URL, TEXT)]
        dice.shuffle(drafts)
        entries = [entry(app, who, key=f"{number} {new_id()}", **draft) for who, draft in drafts]
        return await write(app, *entries)

    groups = await asyncio.gather(*(submit(number) for number in range(30)))
    assert all(taken is not None for group in groups for taken in group)
    assert [await count(app, each, "summaries") for each in (alice, charlie)] == [120, 60]
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        assert await session.scalar(text("SELECT summaries FROM usage_months")) == 120
        assert await session.scalar(text("SELECT sum(summaries) FROM usage_days")) == 120


@pytest.mark.parametrize("function", ["submit_summary", "accept_summary", "accept_summaries"])
async def test_all_count_the_month_before_the_day(database_urls: DatabaseUrls, function: str) -> None:
    """Also what the former release calls: in another order it would wait for this one in a circle."""
    query = "SELECT pg_get_functiondef(oid) AS body FROM pg_proc WHERE proname = $1 ORDER BY pronargs DESC"
    body = (await ask(database_urls.superuser, query, function))[0]["body"]
    assert 0 < body.index("INSERT INTO usage_months") < body.index("INSERT INTO usage_days")


@pytest.mark.alone
async def test_a_group_waits_for_all_locks_together_no_longer_than_for_one(
    app: FastAPI, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LOCK_PATIENCE_MS", 2_000)
    people = [await factory.person(f"writer{number}") for number in range(2)]
    people.sort(key=lambda person: str(person.organization_id))
    for person in people:
        await write(app, entry(app, person))
    began = monotonic()
    async with month_held(app, people[1]):
        async with month_held(app, people[0]):
            waits = asyncio.create_task(write(app, *(entry(app, person) for person in people)))
            await asyncio.sleep(1.5)
        with pytest.raises(DBAPIError, match="lock timeout"):
            await waits
    assert monotonic() - began < 3, "two seconds are over, of which half a one was for the second lock"


async def test_of_a_lost_connection_all_are_told_and_their_keys_bring_them_through(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    charlie: Person,
    database_urls: DatabaseUrls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "LOCK_PATIENCE_MS", 10_000)
    people = (alice, charlie)
    for person in people:
        await client.post(PATH, json=URL, headers=person.headers)

    async def submit() -> list[int]:
        headers = [{**person.headers, "Idempotency-Key": "k"} for person in people]
        answers = await asyncio.gather(*(client.post(PATH, json=URL, headers=each) for each in headers))
        return [answer.status_code for answer in answers]

    async with month_held(app, alice):
        cut = asyncio.create_task(submit())
        assert await cut_off(database_urls)
        assert await cut == [503, 503]
    assert await submit() == [202, 202]
    assert [await count(app, person, "summaries") for person in people] == [2, 2]
