"""What walks along the newest and what asks the index of words find the same: what a scan finds."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Tenant
from app.core.pagination import CursorCodec, Keyset, PageRequest, Pagination
from app.summaries.counting.repository import ShelfCounts
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.repository import NEWEST_FIRST, OLDEST_FIRST, conditions, visible
from app.summaries.search.repository import Shelf
from app.summaries.vocabulary import Status, Visibility
from tests.factories import Person

pytestmark = pytest.mark.integration

# More than a walk looks at before it asks the index; each word half as often as the one before it. What a
# language reads otherwise than another is among them, and what none reads ("the").
ROWS, QUERIES = 1_200, 90
WORDS = ("bridge", "running", "Häuser", "old bridges", "the ferry", "maisons", "橋", "lantern", "42", "rare")
FILL = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, language, favourite, archived_at,
    deleted_at, ephemeral, created_at)
SELECT gen_random_uuid(), :organization_id,
    CASE WHEN n % 3 = 0 THEN CAST(:other AS uuid) ELSE CAST(:own AS uuid) END,
    CASE WHEN n % 7 = 0 THEN 'failed' ELSE 'ready' END, 0, 1,
    CASE WHEN n % 2 = 0 THEN 'private' ELSE 'organization' END, 'text', '{}', '{}', '[]', false, 'extractive',
    '{}', ARRAY['t' || floor(ln(n % 89 + 1))], '{}',
    (SELECT string_agg(word, ' ') FROM unnest(CAST(:words AS text[])) WITH ORDINALITY w (word, place)
     WHERE ('x' || substr(md5(n || word), 1, 7))::bit(28)::integer % (2 ^ place)::integer = 0),
    (ARRAY['en', 'de', 'fr', 'zh', NULL])[1 + n % 5], n % 11 = 0,
    CASE WHEN n % 5 = 1 THEN now() END, CASE WHEN n % 13 = 0 THEN now() END, n % 17 = 0,
    '2026-01-01'::timestamptz + n / 2 * interval '1 hour'
FROM generate_series(1, CAST(:rows AS integer)) n
"""
# The hundred newest have the word, and the hundred oldest, which no walk reaches.
FAR = 2_500
BURST = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, language, favourite, ephemeral,
    created_at)
SELECT gen_random_uuid(), :organization_id, CAST(:own AS uuid), 'ready', 0, 1, 'private', 'text', '{}', '{}',
    '[]', false, 'extractive', '{}', '{}', '{}',
    CASE WHEN n <= 100 OR n > CAST(:rows AS integer) - 100 THEN 'lantern' ELSE 'ferry' END, 'en',
    false, false,
    '2026-01-01'::timestamptz - n * interval '1 minute'
FROM generate_series(1, CAST(:rows AS integer)) n
"""
RANKED = "SELECT summary_id FROM find_summaries(CAST(:wanted AS jsonb), 'relevance', NULL, NULL, NULL, 500)"


async def fill(app: FastAPI, alice: Person, bob: Person) -> None:
    own, other, tenant = alice.user_id, bob.user_id, alice.organization_id
    values = {"own": own, "other": other, "organization_id": tenant, "words": list(WORDS), "rows": ROWS}
    async with app.state.database.transaction(Tenant(tenant, own)) as session:
        await session.execute(text(FILL), values)
        await session.execute(text("ANALYZE summaries"))


def drawn_filters(drawn: random.Random) -> Filters:
    some = drawn.sample(WORDS, 3)
    chance = drawn.random
    return Filters(
        terms=tuple(some[: drawn.choice([0, 1, 1, 1, 2])]),
        without=tuple(some[2:]) if chance() < 0.3 else (),
        labels=drawn.choice([(), (), ("tag:t0",), ("tag:t4",), ("lang:de",)]),
        without_labels=("tag:t0",) if chance() < 0.2 else (),
        status=Status.FAILED if chance() < 0.2 else None,
        visibility=drawn.choice([None, None, Visibility.PRIVATE]),
        favourite=drawn.choice([None, None, None, True, False]),
        archived=drawn.choice([None, True, False]),
        created_after=datetime(2026, 1, 5, tzinfo=UTC) if chance() < 0.2 else None,
        created_before=datetime(2026, 1, 20, tzinfo=UTC) if chance() < 0.2 else None,
    )


async def scanned(session: AsyncSession, person: Person, filters: Filters) -> Sequence[UUID]:
    seen = visible(person.organization_id, person.user_id)
    query = select(Summary.id).where(*seen, *conditions(filters)).order_by(*NEWEST_FIRST.order())
    return (await session.scalars(query)).all()


async def walked(shelf: Shelf, filters: Filters, keyset: Keyset) -> list[UUID]:
    """Three pages of nine."""
    codec, cursor = CursorCodec("x" * 32), None
    found: list[UUID] = []
    for _ in range(3):
        page = await shelf.page(filters, Pagination(codec, keyset, PageRequest(limit=9, cursor=cursor), {}))
        found += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


async def test_pages_in_both_orders_and_counts_are_those_of_a_scan(
    app: FastAPI, alice: Person, bob: Person, subtests: pytest.Subtests
) -> None:
    await fill(app, alice, bob)
    drawn = random.Random(11)  # noqa: S311  # a test's own
    many = set()
    shelf = Shelf(app.state.database, alice.organization_id, viewer=alice.user_id)
    counts = ShelfCounts(app.state.database, alice.organization_id, viewer=alice.user_id)
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        for filters in (drawn_filters(drawn) for _ in range(QUERIES)):
            expected = await scanned(session, alice, filters)
            many.add(min(len(expected), 20))
            with subtests.test(str(filters)):
                assert await counts.count(filters) == len(expected)
                for at_most in (1, 9, len(expected) + 1):
                    assert await counts.count(filters, at_most=at_most) == min(len(expected), at_most)
                assert await walked(shelf, filters, NEWEST_FIRST) == expected[:27]
                assert await walked(shelf, filters, OLDEST_FIRST) == expected[::-1][:27]
    assert {0, 20} <= many, "some find nothing and some more than a page"


async def test_whatever_matches_is_ranked(app: FastAPI, alice: Person, bob: Person) -> None:
    await fill(app, alice, bob)
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        for word in ("Häuser", "maisons", "橋"):
            filters = Filters(terms=(word,), archived=None)
            found = await session.scalars(text(RANKED), {"wanted": json.dumps(filters.wanted())})
            assert sorted(found) == sorted(await scanned(session, alice, filters)) != []


async def test_where_a_walk_ends_the_index_goes_on(app: FastAPI, alice: Person) -> None:
    """A page of a hundred, all among the newest: what stands behind them is looked for all the same."""
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        values = {"own": alice.user_id, "organization_id": alice.organization_id, "rows": FAR + 500}
        await session.execute(text(BURST), values)
    shelf = Shelf(app.state.database, alice.organization_id, viewer=alice.user_id)
    request = PageRequest(limit=100, cursor=None)
    pagination = Pagination(CursorCodec("x" * 32), NEWEST_FIRST, request, {})
    page = await shelf.page(Filters(terms=("lantern",)), pagination)
    assert len(page.items) == 100
    assert page.next_cursor is not None
