"""A large tenant inside a larger table: rows as a life of work leaves them, made by PostgreSQL itself.

Words are drawn by Zipf's law (the n-th most frequent is about n times rarer than the first), so that there
are common, middling and rare ones as in a language: `w1` stands in nearly every text, `w19999` in hardly any.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

WORDS, TEXTS, WORDS_EACH = 20_000, 5_000, 60
ADD_PEOPLE = """
INSERT INTO users (id, username, email, hashed_password, role, is_active, is_verified)
SELECT gen_random_uuid(), 'load' || n, 'load' || n || '@example.com', '', 'user', true, true
FROM generate_series(1, 200) n
"""
ADD_TENANTS = """
INSERT INTO organizations (id, name, is_personal, plan)
SELECT id, username, false, 'free' FROM users WHERE username LIKE 'load%'
"""
ADD_TEXTS = f"""
CREATE UNLOGGED TABLE texts AS
SELECT n % {TEXTS} + 1 AS number, string_agg('w' || floor(exp(random() * ln({WORDS})))::integer, ' ') AS words
FROM generate_series(1, {TEXTS * WORDS_EACH}) n GROUP BY 1
"""  # noqa: S608  # numbers of our own
# A tenth of the rows are one author's; a sixth belong to two hundred other tenants.
ADD_SUMMARIES = f"""
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, summary, language, canonical_url,
    url, favourite, archived_at, deleted_at, created_at)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n * 1000::bigint), 12, '0') || '7000'
        || substr(md5(random()::text), 1, 16))::uuid,
    CASE WHEN n % 6 = 0 THEN others.id ELSE :organization_id END,
    CASE WHEN n % 10 = 1 THEN :user_id ELSE others.id END,
    CASE n % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'queued' ELSE 'ready' END, 1, 1,
    CASE n % 3 WHEN 0 THEN 'private' ELSE 'organization' END, 'url', '{{}}', '{{}}', '[]', false,
    'extractive', '{{}}',
    CASE WHEN n % 4 = 0 THEN ARRAY['t' || floor(exp(random() * ln(200)))::integer] ELSE '{{}}' END, '{{}}',
    'Number ' || n || ' w' || floor(exp(random() * ln({WORDS})))::integer, texts.words,
    CASE n % 5 WHEN 0 THEN 'de' WHEN 1 THEN 'fr' ELSE 'en' END,
    'https://www.site' || floor(exp(random() * ln(1000)))::integer || '.example/' || n, 'https://example.com/',
    n % 97 = 0, CASE WHEN n % 11 = 0 THEN now() END,
    CASE WHEN n % 53 = 0 THEN now() - n * interval '1 second' END,
    now() - n * interval '1 second'
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
JOIN texts ON texts.number = 1 + (n::bigint * 7919) % {TEXTS}
JOIN (SELECT id, row_number() OVER () AS number FROM users WHERE username LIKE 'load%') others
    ON others.number = 1 + n % 200
"""  # noqa: S608  # as above
# The staff's tally and everybody's storage are not what is measured.
QUIET = "ALTER TABLE summaries {} TRIGGER tally_added"


async def add_library(session: AsyncSession) -> None:
    """As superuser, once."""
    for statement in (ADD_PEOPLE, ADD_TENANTS, ADD_TEXTS, QUIET.format("DISABLE")):
        await session.execute(text(statement))


async def add_shelf(
    session: AsyncSession, organization_id: UUID, user_id: UUID, *, first: int, last: int
) -> None:
    """Rows of these numbers, the higher the older; five of six are the organisation's."""
    values = {"organization_id": organization_id, "user_id": user_id, "first": first, "last": last}
    await session.execute(text(ADD_SUMMARIES), values)
