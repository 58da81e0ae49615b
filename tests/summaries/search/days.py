"""Days of a tenant's summaries, in which a word is too rare to be walked to."""

from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import Person

# A thousand a day unless told, of which four have the word: ten days, in which a span of 32 begins (migration
# 0052). The newest row is of the day before NOW.
ROWS, A_DAY, EACH = 10_000, 1_000, 250
AT_ONCE = 1_000
NOW = datetime(2026, 3, 11, tzinfo=UTC)
FILL = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, language, favourite, ephemeral,
    created_at)
SELECT gen_random_uuid(), :organization_id, :user_id, 'ready', 0, 1,
    CASE WHEN n % 500 = 0 THEN 'private' ELSE 'organization' END, 'text', '{}', '{}', '[]', false,
    'extractive', '{}', CASE WHEN n % CAST(:each AS integer) = 0 THEN '{}' ELSE '{ferry}' END::text[], '{}',
    'Number ' || n || CASE WHEN n % CAST(:each AS integer) = 0 THEN ' lantern' ELSE ' ferry' END, 'en',
    false, false, CAST(:now AS timestamptz) - n * interval '1 day' / CAST(:a_day AS integer)
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""


async def fill_days(app: FastAPI, person: Person, *, user: Person | None = None, a_day: int = A_DAY) -> None:
    values = {"a_day": a_day, "each": EACH, "now": NOW}
    whose = {"organization_id": person.organization_id, "user_id": (user or person).user_id}
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        # In several statements: each has no longer than one of the app's.
        for first in range(1, ROWS + 1, AT_ONCE):
            places = {"first": first, "last": first + AT_ONCE - 1}
            await session.execute(text(FILL), values | whose | places)
