"""Where the days of words promise no page, spans of 32 days are asked before the whole index is.

A look at a day costs as much for nothing as for a find: a page of a rare word took nine, and where more were
needed, the whole index, which compares all that anybody has of the word. Each row stands in it under its
span as well now, as it does under its day since 0050. The index is built anew in the same way: beside the
reading and writing, from anew if a run before this one was cut off.

What is found is of the moment in which the statement began: `find_summaries` looked later than the statement
that asks it, which did not see what was written in between, and so took a page for the last one.
"""

from alembic import op
from sqlalchemy import text

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

# A label as those of 0021, which no word can be: a span of days of all that everybody in a tenant reads, or
# of a person's own. Days are those of UTC, told as a number: how a date is written hangs on a setting. It has
# casts, as what is not immutable throughout is called for each row, and each write takes 0.1 ms more.
SPAN_LABEL = """
CREATE OR REPLACE FUNCTION search_span_label(reader uuid, day date, days integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'on:' || reader::text || ':' || days::text || ':' || ((day - date '0001-01-01') / days)::text $$
"""
READER = "CASE WHEN visibility = 'organization' THEN organization_id ELSE user_id END"
LABEL = f"'=' || public.search_span_label({READER}, public.search_day(created_at), {{days}})"
BY_SPAN = f"""
CREATE OR REPLACE FUNCTION search_by_span(
    search tsvector, organization_id uuid, user_id uuid, visibility text, created_at timestamptz
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT search || array_to_tsvector(ARRAY[{LABEL.format(days=1)}, {LABEL.format(days=32)}]) $$
"""
# Of the labels of a tenant's reader in `search_query` (0021) those of one span.
OF_SPAN = """
CREATE OR REPLACE FUNCTION search_query_of_span(
    query tsquery, tenant uuid, viewer uuid, day date, days integer
) RETURNS tsquery LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp
AS $$
    SELECT ts_rewrite(
        query,
        search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer),
        search_label(search_span_label(tenant, day, days))
            || search_label(search_span_label(viewer, day, days)))
$$
"""
# What narrows a search, as told to `find_summaries`: taken out of its JSON once, and not for each row.
NARROWING = """
    with_status text := wanted->>'status';
    with_visibility text := wanted->>'visibility';
    is_favourite boolean := (wanted->>'favourite')::boolean;
    is_archived boolean := (wanted->>'archived')::boolean;
    first_time timestamptz := (wanted->>'created_after')::timestamptz;
    end_time timestamptz := (wanted->>'created_before')::timestamptz;
"""
READABLE = """
    (s.visibility = 'organization' OR s.user_id = viewer) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND (with_status IS NULL OR s.status = with_status)
      AND (with_visibility IS NULL OR s.visibility = with_visibility)
      AND (is_favourite IS NULL OR s.favourite = is_favourite)
      AND (is_archived IS NULL OR (s.archived_at IS NOT NULL) = is_archived)
"""
WITHIN = """
    (first_time IS NULL OR {moment} >= first_time) AND (end_time IS NULL OR {moment} < end_time)
"""
# Tenant and days are said of the row, too, in a way that no other index knows: what is found is right
# whatever this one makes of a label.
LOOK = f"""
    SELECT s.id FROM summaries s
    WHERE {{searched}} @@ of_span AND s.organization_id::text = tenant::text
      AND search_day(s.created_at) BETWEEN first_day AND last_day
      AND (s.created_at, s.id) {{behind}} (after_time, after_id)
      AND {READABLE} AND {WITHIN.format(moment="s.created_at")}
      AND (exactly IS NULL OR ts_match_vq(s.search, exactly))
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT missing
"""  # noqa: S608  # our own words
NEXT = """
    SELECT s.created_at FROM summaries s
    WHERE s.organization_id = tenant AND (s.created_at, s.id) {behind} (after_time, after_id)
    ORDER BY s.created_at {direction}, s.id {direction} LIMIT 1
"""
NEWEST, OLDEST = {"direction": "DESC", "behind": "<"}, {"direction": "ASC", "behind": ">"}


def searched_by(function: str, *, row: str = "") -> str:
    columns = ("search", "organization_id", "user_id", "visibility", "created_at")
    return f"{function}({', '.join(row + column for column in columns)})"


def looked_up(*, by: str, of_span: str, spans: str, looks: str) -> str:
    """In plans that are made once a connection, as to plan costs three times what a look takes.

    And without workers: a plan for any query expects many rows of a large table, and to start some takes ten
    times as long. Where one role is owner and server its policy stands before the index: no look is cheap.
    """
    look = {"searched": searched_by(by, row="s.")}
    return f"""
CREATE OR REPLACE FUNCTION looked_up_summaries(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamptz, after_id uuid,
    at_most integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = public, pg_temp SET enable_seqscan = off
SET enable_sort = off SET plan_cache_mode = force_generic_plan SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
    {NARROWING.strip()}
    asked record := loose_search_query(query, wanted, tenant, viewer);
    exactly tsquery := CASE WHEN NOT asked.exact THEN query END;
    missing integer := at_most;
    sought integer;
    many integer;
    looks integer;
    days integer;
    next_time timestamptz;
    of_span tsquery;
    first_day date;
    last_day date;
BEGIN
    -- One span after the other of so many days each; of 0 all that is left.
    FOREACH days IN ARRAY
        CASE WHEN row_security_active('summaries') THEN '{{0}}' ELSE '{spans}'::integer[] END
    LOOP
        looks := {looks};
        sought := missing;
        FOR look IN 1..looks LOOP
            IF sorted = 'created_at' THEN
                next_time := ({NEXT.format(**OLDEST)});
            ELSE
                next_time := ({NEXT.format(**NEWEST)});
            END IF;
            IF next_time IS NULL OR NOT ({WITHIN.format(moment="next_time")}) THEN
                RETURN;
            END IF;
            IF days = 0 THEN
                of_span := asked.loose;
                first_day := '-infinity';
                last_day := 'infinity';
            ELSE
                first_day := search_day(next_time);
                of_span := {of_span};
                first_day := first_day - (first_day - date '0001-01-01') % days;
                last_day := first_day + days - 1;
            END IF;
            IF sorted = 'created_at' THEN
                RETURN QUERY {LOOK.format(**look, **OLDEST)};
            ELSE
                RETURN QUERY {LOOK.format(**look, **NEWEST)};
            END IF;
            GET DIAGNOSTICS many = ROW_COUNT;
            missing := missing - many;
            IF missing = 0 THEN
                RETURN;
            END IF;
            EXIT WHEN days = 0;
            after_time := (CASE sorted WHEN 'created_at' THEN last_day + 1 ELSE first_day END)::timestamp
                AT TIME ZONE 'UTC';
            after_id := '00000000-0000-0000-0000-000000000000';
            -- The first may have begun just now, and what is rare comes by chance: two more are granted. At
            -- this rate the page would be further away than all looks.
            EXIT WHEN look > 1 AND (sought - missing + 2) * looks < sought * look;
        END LOOP;
    END LOOP;
END $$
"""


# A look costs about a quarter of a millisecond and what it finds 3 µs each, so that for more days than these
# a span of 32 costs less. The whole index costs up to 2 µs for each text of anybody's that has the words.
LOOKED_UP = looked_up(
    by="search_by_span",
    of_span="search_query_of_span(asked.loose, tenant, viewer, first_day, days)",
    spans="{1,32,0}",
    looks="CASE days WHEN 1 THEN 3 + at_most / 40 WHEN 32 THEN 24 ELSE 1 END",
)
ADDED = {
    "search_span_label(uuid, date, integer)": SPAN_LABEL,
    "search_by_span(tsvector, uuid, uuid, text, timestamptz)": BY_SPAN,
    "search_query_of_span(tsquery, uuid, uuid, date, integer)": OF_SPAN,
}

# Those of 0050, and a function that looks as the one from there does.
DAY_LABEL = """
CREATE OR REPLACE FUNCTION search_day_label(reader uuid, day date) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'on:' || reader::text || ':' || (day - date '2000-01-01')::text $$
"""
BY_DAY = f"""
CREATE OR REPLACE FUNCTION search_by_day(
    search tsvector, organization_id uuid, user_id uuid, visibility text, created_at timestamptz
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT search || array_to_tsvector(
        ARRAY['=' || public.search_day_label({READER}, public.search_day(created_at))])
$$
"""
OF_DAY = """
CREATE OR REPLACE FUNCTION search_query_of_day(query tsquery, tenant uuid, viewer uuid, day date)
RETURNS tsquery
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp
AS $$
    SELECT ts_rewrite(
        query,
        search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer),
        search_label(search_day_label(tenant, day)) || search_label(search_day_label(viewer, day)))
$$
"""
FORMER_LOOKED_UP = looked_up(
    by="search_by_day",
    of_span="search_query_of_day(asked.loose, tenant, viewer, first_day)",
    spans="{1,0}",
    looks="CASE days WHEN 1 THEN 12 + at_most / 16 ELSE 1 END",
)
FORMER = {
    "search_day_label(uuid, date)": DAY_LABEL,
    "search_by_day(tsvector, uuid, uuid, text, timestamptz)": BY_DAY,
    "search_query_of_day(tsquery, uuid, uuid, date)": OF_DAY,
}

COUNTING = "count_matching_summaries(tsquery, jsonb, uuid, uuid)"
NAME, BEING_BUILT = "ix_summaries_search", "ix_summaries_search_next"
IS_BUILT = """
SELECT EXISTS (
    SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relname = :name AND i.indisvalid AND pg_get_indexdef(c.oid) LIKE '%' || :by || '(%')
"""
FINDING = "find_summaries(jsonb, text, timestamptz, integer, uuid, integer)"


def upgrade() -> None:
    _exchange(ADDED, looked_up=LOOKED_UP, by="search_by_span", former=FORMER, formerly_by="search_by_day")
    op.execute(f"ALTER FUNCTION {FINDING} STABLE")


def downgrade() -> None:
    _exchange(
        FORMER, looked_up=FORMER_LOOKED_UP, by="search_by_day", former=ADDED, formerly_by="search_by_span"
    )
    op.execute(f"ALTER FUNCTION {FINDING} VOLATILE")


def _exchange(
    functions: dict[str, str], *, looked_up: str, by: str, former: dict[str, str], formerly_by: str
) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in functions.values():
        op.execute(function)
    _build(by)
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(looked_up)
    counting = f"pg_get_functiondef('{COUNTING}'::regprocedure)"
    op.execute(f"DO $do$ BEGIN EXECUTE replace({counting}, '{formerly_by}(', '{by}('); END $do$")
    _put_in_place(by)
    op.execute("SET LOCAL lock_timeout = '5s'")
    for signature in reversed(former):
        op.execute(f"DROP FUNCTION IF EXISTS {signature}")


def _build(by: str) -> None:
    """Unless a run that was cut off has: the functions may ask it already."""
    with op.get_context().autocommit_block():
        if _is_built(NAME, by) or _is_built(BEING_BUILT, by):
            return
        # It waits for whoever writes, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {BEING_BUILT}")
        # Of what was written last, in KB: as in 0050.
        op.execute(
            f"CREATE INDEX CONCURRENTLY {BEING_BUILT} ON summaries USING gin ({searched_by(by)})"
            " WITH (gin_pending_list_limit = 256) WHERE deleted_at IS NULL"
        )


def _put_in_place(by: str) -> None:
    with op.get_context().autocommit_block():
        if _is_built(NAME, by):
            return
        # This waits for whoever reads, too. Where it gives up, the next run comes back here.
        op.execute("SET lock_timeout = '5s'")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {BEING_BUILT} RENAME TO {NAME}")


def _is_built(name: str, by: str) -> bool:
    return bool(op.get_bind().scalar(text(IS_BUILT), {"name": name, "by": by}))
