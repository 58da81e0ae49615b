"""A table as years of work leave it: one tenant owns a tenth, the others share the rest.

The triggers' work is done here by the statement itself, as ten million rows would take hours one by one: the
column of the search is put together from the texts' vectors, and what a shelf has is counted in the end.
Indexes are dropped and made again as they were.
"""

import asyncio
import time
from dataclasses import dataclass

import asyncpg

from app.summaries.counting.models import OUTCOME
from app.summaries.search.models import READER
from tests.factories import Person
from tests.load.library import TEXTS, WORDS

# A row is about 1 KB with the words of its search.
WORDS_EACH = 30
BATCH = 100_000
PLANTED, SPREAD = "w0", 40
SIDE_BY_SIDE = 2
SESSION = """
SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0;
SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 2
"""
ADD_TENANTS = """
CREATE UNLOGGED TABLE people AS
SELECT n AS number, gen_random_uuid() AS id FROM generate_series(1, {tenants}) n;
CREATE UNIQUE INDEX ON people (number);
INSERT INTO users (id, username, email, hashed_password, role, is_active, is_verified)
SELECT id, 'load' || number, 'load' || number || '@example.com', '', 'user', true, true FROM people;
INSERT INTO organizations (id, name, is_personal, plan) SELECT id, 'load' || number, true, 'free' FROM people;
INSERT INTO memberships (organization_id, user_id, role) SELECT id, id, 'owner' FROM people
"""
# Words by Zipf's law, as in `library`: `w1` stands in nine of ten texts, `w100` in one of thirty.
ADD_TEXTS = f"""
CREATE UNLOGGED TABLE texts AS SELECT number, words, setweight(to_tsvector('english', words), 'B') AS vector
FROM (SELECT n % {TEXTS} + 1 AS number,
        string_agg('w' || floor(exp(random() * ln({WORDS})))::integer, ' ') AS words
    FROM generate_series(1, {TEXTS * WORDS_EACH}) n GROUP BY 1) drawn;
CREATE UNIQUE INDEX ON texts (number); ANALYZE texts; ANALYZE people
"""  # noqa: S608  # numbers of our own
# `k` counts a tenant's own rows. What waits is today's, however large the shelf: fifty of the large tenant's.
# `PLANTED` is a word and a tag of SPREAD of its rows, of all ages, however many there are.
ADD_SUMMARIES = f"""
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, summary, language, canonical_url,
    url, favourite, archived_at, deleted_at, created_at, updated_at, submitted_key, search)
SELECT id, organization_id, user_id, status, 1, 1, visibility, 'url', '{{}}', '{{}}', '[]', false,
    'extractive', '{{}}', tags, '{{}}', title, words, language, 'https://' || host || '/' || n,
    'https://' || host || '/' || n, k % 97 = 0, CASE WHEN k % 11 = 0 THEN created_at END,
    CASE WHEN k % 53 = 0 THEN created_at END, created_at, created_at, sha256(int4send(n)),
    setweight(to_tsvector('english', title), 'A') || vector || array_to_tsvector(search_labels(
        organization_id || CASE visibility WHEN 'private' THEN ':' || user_id ELSE '' END,
        language, tags, host))
FROM (
    SELECT n, k, texts.words, texts.vector, now() - n * interval '1 second' AS created_at,
        (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n * 1000::bigint), 12, '0') || '7000'
            || substr(md5(random()::text), 1, 16))::uuid AS id,
        CASE WHEN n % 10 = 0 THEN $3 ELSE people.id END AS organization_id,
        CASE WHEN n % 10 = 0 AND k % 2 = 0 THEN $4 ELSE people.id END AS user_id,
        CASE WHEN n <= 1000 AND k % 2 = 1 THEN 'queued' WHEN k % 50 = 0 THEN 'failed' ELSE 'ready' END
            AS status,
        CASE k % 3 WHEN 0 THEN 'private' ELSE 'organization' END AS visibility,
        'Number ' || n || ' w' || floor(exp(random() * ln({WORDS})))::integer
            || CASE WHEN planted THEN ' {PLANTED}' ELSE '' END AS title,
        CASE WHEN k % 4 = 0 THEN ARRAY['t' || floor(exp(random() * ln(200)))::integer] ELSE '{{}}' END
            || CASE WHEN planted THEN ARRAY['{PLANTED}'] ELSE '{{}}' END AS tags,
        CASE k % 5 WHEN 0 THEN 'de' WHEN 1 THEN 'fr' ELSE 'en' END AS language,
        'www.site' || floor(exp(random() * ln(1000)))::integer || '.example' AS host
    FROM generate_series($1::integer, $2::integer) n
    CROSS JOIN LATERAL (SELECT n / 10 AS k, n % 10 = 0 AND n / 10 % $5 = 1 AS planted) own
    JOIN texts ON texts.number = 1 + (k::bigint * 7919 + n) % {TEXTS}
    JOIN people ON people.number = 1 + (n::bigint * 7919) % (SELECT count(*) FROM people)
) made
"""  # noqa: S608  # as above
ADD_CONTENTS = """
INSERT INTO summary_contents (summary_id, organization_id, text)
SELECT id, organization_id, summary FROM summaries
"""
ADD_TALLIES = f"""
INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many, folded)
SELECT organization_id, {READER}, archived_at IS NOT NULL, {OUTCOME}, favourite, count(*), true
FROM summaries WHERE deleted_at IS NULL AND NOT ephemeral GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608  # our own words
FILLED = "summaries, summary_contents, shelf_tallies, users, organizations, memberships"
INDEXES = """
SELECT indexname AS name, indexdef AS definition FROM pg_indexes
WHERE tablename = 'summaries' AND indexname LIKE 'ix_%' ORDER BY indexname
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose database, and who owns a tenth of what is put there."""

    superuser_url: str
    person: Person


@dataclass(frozen=True, slots=True)
class Size:
    """`seconds`: after so many no more rows are added."""

    rows: int
    tenants: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Loaded:
    rows: int
    seconds: float
    indexing: float


async def load(place: Place, size: Size) -> Loaded:
    """The indexes are those from before, or it raises."""
    connections = [await _connect(place.superuser_url) for _ in range(SIDE_BY_SIDE)]
    try:
        return await _load(connections, place.person, size)
    finally:
        for connection in connections:
            await connection.close()


async def _load(connections: list[asyncpg.Connection], person: Person, size: Size) -> Loaded:
    began, first = time.perf_counter(), connections[0]
    before = await first.fetch(INDEXES)
    for index in before:
        await first.execute(f"DROP INDEX {index['name']}")
    await first.execute(ADD_TENANTS.format(tenants=size.tenants - 1))
    await first.execute(ADD_TEXTS)
    rows = await _add_rows(connections, person, size)
    indexing = time.perf_counter()
    await _make_indexes(connections, [index["definition"] for index in before])
    indexed = time.perf_counter()
    assert await first.fetch(INDEXES) == before
    await first.execute("DROP TABLE people, texts")
    await first.execute(ADD_TALLIES)
    await first.execute(f"VACUUM (ANALYZE) {FILLED}")
    return Loaded(rows, time.perf_counter() - began, indexed - indexing)


async def _add_rows(connections: list[asyncpg.Connection], person: Person, size: Size) -> int:
    """How many there are in the end."""
    batches = iter(range(1, size.rows + 1, BATCH))
    until = time.perf_counter() + size.seconds
    own = (person.organization_id, person.user_id, max(2, size.rows // 10 // SPREAD))

    async def add(connection: asyncpg.Connection) -> int:
        added = 0
        while time.perf_counter() < until and (first := next(batches, None)) is not None:
            last = min(first + BATCH - 1, size.rows)
            await connection.execute(ADD_SUMMARIES, first, last, *own)
            added += last - first + 1
        return added

    added = sum(await asyncio.gather(*(add(connection) for connection in connections)))
    await connections[0].execute(ADD_CONTENTS)
    return added


async def _make_indexes(connections: list[asyncpg.Connection], definitions: list[str]) -> None:
    """The widest, that of the words, beside all others."""
    waiting = iter(sorted(definitions, key=lambda definition: "gin" not in definition))

    async def make(connection: asyncpg.Connection) -> None:
        for definition in waiting:
            await connection.execute(definition)

    await asyncio.gather(*(make(connection) for connection in connections))


async def _connect(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url, timeout=60)
    await connection.execute(SESSION)
    return connection
