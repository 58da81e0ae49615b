"""Words that stand in many texts are looked for where the newest are, and only rare ones in their index.

The index of the words has no order in time: it gives a page of a common word only with all its other matches.
A walk along the newest rows finds that page in a few hundred, and says early where it would not.
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

READABLE = """
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
"""
WITHIN = """
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
"""
# Which rows are the tenant's the words' index knows by its label `=in:`. Compared as text, as another index
# would otherwise fetch all of the tenant's besides, which took longer than everything else.
OWN = "s.organization_id::text = $1::text"
LABELLED = f"FROM summaries s WHERE s.search @@ $3 AND {OWN} AND {READABLE} AND {WITHIN}"

# As in 0030.
CONFIGURATIONS = (
    "ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french',"
    " 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali',"
    " 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil',"
    " 'turkish', 'yiddish']"
)
# The label that ties a word to its language is what the index takes most of its time for. Asked without it,
# there is found besides what has the word as another language reads it. `exact`: all read it the same.
LOOSE_QUERY = f"""
CREATE FUNCTION loose_search_query(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, OUT loose tsquery, OUT exact boolean)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    reading record;
    readings tsquery := ''::tsquery;
    ways integer := 0;
    languages integer := 0;
BEGIN
    loose := query;
    exact := true;
    IF jsonb_array_length(wanted->'terms') = 0 OR jsonb_array_length(wanted->'without') > 0 THEN
        RETURN;
    END IF;
    FOR reading IN SELECT w.words, count(*) AS many FROM search_words(wanted) w GROUP BY w.words LOOP
        readings := readings || reading.words;
        ways := ways + 1;
        languages := languages + reading.many;
    END LOOP;
    loose := search_query(wanted || '{{"terms": []}}', tenant, viewer) && readings;
    exact := ways = 1 AND languages = cardinality({CONFIGURATIONS});
END $$
"""  # noqa: S608  # our own words
BEHIND = "($5::timestamptz IS NULL OR (s.created_at, s.id) {behind} ($5, $6))"
WALK = f"""
    SELECT s.id, s.created_at, {READABLE} AND s.search @@ $3 AS matches
    FROM summaries s WHERE s.organization_id = $1 AND {WITHIN} AND {BEHIND}
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT $7
"""  # noqa: S608  # our own words
# As a function and no operator, as the index would be asked it too.
LOOK_UP = f"""
    SELECT s.id FROM summaries s WHERE s.search @@ $8 AND {OWN} AND {READABLE} AND {WITHIN} AND {BEHIND}
      AND ($3 IS NULL OR ts_match_vq(s.search, $3))
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT $7
"""  # noqa: S608  # as above
ORDERS = {
    "-created_at": {"direction": "DESC", "behind": "<"},
    "created_at": {"direction": "ASC", "behind": ">"},
}

# The rows that a walk may meet, and after how many it asks itself whether those will do.
FAR, PROBE = 10_000, 300

# What matches behind a place, in the order of time; where the walk gives up, the index goes on behind it. Its
# rights are those of find_summaries: whoever else calls it sees what row-level security shows anyway.
# Sorting a small tenant's rows would look cheaper than a walk, of which only the beginning is wanted.
MATCHING = f"""
CREATE FUNCTION matching_summaries(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamptz, after_id uuid,
    at_most integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = public, pg_temp SET enable_seqscan = off
SET enable_sort = off
AS $$
DECLARE
    met record;
    seen integer := 0;
    found integer := 0;
    asked record;
BEGIN
    IF query IS NULL THEN
        RETURN;
    END IF;
    FOR met IN EXECUTE CASE sorted
        WHEN 'created_at' THEN $sql$ {WALK.format(**ORDERS["created_at"])} $sql$
        ELSE $sql$ {WALK.format(**ORDERS["-created_at"])} $sql$ END
        USING tenant, viewer, query, wanted, after_time, after_id, {FAR} + 1
    LOOP
        seen := seen + 1;
        IF met.matches THEN
            found := found + 1;
            RETURN NEXT met.id;
            IF found = at_most THEN
                RETURN;
            END IF;
        END IF;
        -- At this rate the page would be further away than the walk may go.
        IF seen % {PROBE} = 0 AND seen::bigint * at_most > {FAR}::bigint * found THEN
            asked := loose_search_query(query, wanted, tenant, viewer);
            RETURN QUERY EXECUTE CASE sorted
                WHEN 'created_at' THEN $sql$ {LOOK_UP.format(**ORDERS["created_at"])} $sql$
                ELSE $sql$ {LOOK_UP.format(**ORDERS["-created_at"])} $sql$ END
                USING tenant, viewer, CASE WHEN NOT asked.exact THEN query END, wanted,
                    met.created_at, met.id, at_most - found, asked.loose;
            RETURN;
        END IF;
    END LOOP;
END $$
"""  # as above

HEAD = """
CREATE OR REPLACE FUNCTION find_summaries(
    wanted jsonb, sorted text, after_time timestamptz, after_rank integer, after_id uuid, at_most integer
) RETURNS TABLE (summary_id uuid, rank integer)
LANGUAGE plpgsql SECURITY DEFINER ROWS 20 SET search_path = public, pg_temp
AS $$
DECLARE
    tenant uuid := nullif(current_setting('app.organization_id', true), '');
    viewer uuid := nullif(current_setting('app.user_id', true), '');
    query tsquery := search_query(wanted, tenant, viewer);
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
"""
TAIL = "    PERFORM set_config('app.lookup', '', true);\nEND $$"
RANKED = """
        WITH ranking AS MATERIALIZED (
            SELECT configuration, search_any(ARRAY(
                SELECT search_lexemes(('pg_catalog.' || configuration)::regconfig, {words}, 10))) AS words
            FROM unnest({configurations}) configuration)
        SELECT r.id, r.rank FROM (
            SELECT c.id, coalesce((ts_rank(c.search, w.words, 1) * 1000000)::integer, 0) AS rank
            FROM ({newest}) c
            JOIN ranking w ON w.configuration = search_configuration(c.language)) r
        WHERE {after}::integer IS NULL OR (r.rank, r.id) < ({after}, {id})
        ORDER BY r.rank DESC, r.id DESC LIMIT {limit}
"""  # as above
BY_RANK = RANKED.format(
    words="wanted->'terms'",
    configurations=CONFIGURATIONS,
    newest="SELECT s.id, s.search, s.language FROM matching_summaries("
    "query, wanted, tenant, viewer, '-created_at', NULL, NULL, ranked_at_most()) m"
    " JOIN summaries s ON s.id = m",
    after="after_rank",
    id="after_id",
    limit="at_most",
)
# Of very many matches the newest are ranked: to rank is to read the words of each.
FIND = f"""
{HEAD}
    IF sorted <> 'relevance' THEN
        RETURN QUERY SELECT m, 0 FROM matching_summaries(
            query, wanted, tenant, viewer, sorted, after_time, after_id, at_most) m;
    ELSE
        RETURN QUERY {BY_RANK};
    END IF;
{TAIL}
"""  # noqa: S608  # our own words

# A bitmap that is too large for its memory forgets which rows of a page match, and reads the words of each.
COUNTING = f"""
CREATE FUNCTION count_matching_summaries(query tsquery, wanted jsonb, tenant uuid, viewer uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET enable_seqscan = off SET work_mem = '64MB'
AS $$
DECLARE
    asked record := loose_search_query(query, wanted, tenant, viewer);
    found bigint;
BEGIN
    IF query IS NOT NULL AND asked.exact THEN
        query := asked.loose;
    END IF;
    EXECUTE $sql$ SELECT count(*) {LABELLED} $sql$ INTO found USING tenant, viewer, query, wanted;
    RETURN found;
END $$
"""  # as above
COUNT = """
CREATE OR REPLACE FUNCTION count_found_summaries(wanted jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    tenant uuid := nullif(current_setting('app.organization_id', true), '');
    viewer uuid := nullif(current_setting('app.user_id', true), '');
    query tsquery := search_query(wanted, tenant, viewer);
    found bigint;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    {counting}
    PERFORM set_config('app.lookup', '', true);
    RETURN found;
END $$
"""
COUNTED = "found := count_matching_summaries(query, wanted, tenant, viewer);"

# As in 0030 and 0021.
FORMER_MATCHING = f"""
    FROM summaries s WHERE s.organization_id = $1 AND {READABLE} AND {WITHIN} AND s.search @@ $3
"""
FORMER_BY_TIME = f"""
    RETURN QUERY EXECUTE $sql$
        SELECT s.id, 0 {FORMER_MATCHING} AND {BEHIND}
        ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT $7
    $sql$ USING tenant, viewer, query, wanted, after_time, after_id, at_most;
"""
FORMER_FIND = (
    HEAD
    + "    IF sorted = '-created_at' THEN"
    + FORMER_BY_TIME.format(**ORDERS["-created_at"])
    + "    ELSIF sorted = 'created_at' THEN"
    + FORMER_BY_TIME.format(**ORDERS["created_at"])
    + "    ELSE\n    RETURN QUERY EXECUTE $sql$"
    + RANKED.format(
        words="$4->'terms'",
        configurations=CONFIGURATIONS,
        newest=f"SELECT s.id, s.search, s.language {FORMER_MATCHING}"
        " ORDER BY s.created_at DESC, s.id DESC LIMIT $8",
        after="$5",
        id="$6",
        limit="$7",
    )
    + "    $sql$ USING tenant, viewer, query, wanted, after_rank, after_id, at_most, ranked_at_most();\n"
    "    END IF;\n" + TAIL
)
FORMER_COUNTED = (
    f"EXECUTE $sql$ SELECT count(*) {FORMER_MATCHING} $sql$ INTO found USING tenant, viewer, query, wanted;"
)


ADDED = {
    "loose_search_query(tsquery, jsonb, uuid, uuid)": LOOSE_QUERY,
    "matching_summaries(tsquery, jsonb, uuid, uuid, text, timestamptz, uuid, integer)": MATCHING,
    "count_matching_summaries(tsquery, jsonb, uuid, uuid)": COUNTING,
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for body in (*ADDED.values(), FIND, COUNT.format(counting=COUNTED)):
        op.execute(body)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for body in (FORMER_FIND, COUNT.format(counting=FORMER_COUNTED)):
        op.execute(body)
    for function in reversed(ADDED):
        op.execute(f"DROP FUNCTION {function}")
