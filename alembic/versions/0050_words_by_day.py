"""Where words are too rare to be walked to, their index is asked for one day after the other, newest first.

It has no order in time, and gave a page of a word that one in a hundred texts has only with all its other
matches. Each row stands in it under its day as well now: not in its column, so no row is written anew, but
in the expression that the index is of. It is built beside the reading and writing, from anew if a run before
this one was cut off.
"""

from alembic import op
from sqlalchemy import text

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

# As in 0038.
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
OWN = "s.organization_id::text = $1::text"
PLACE = "(s.created_at, s.id) {behind} ($5, $6)"
BEHIND = f"($5::timestamptz IS NULL OR {PLACE})"
WALK = f"""
    SELECT s.id, s.created_at, {READABLE} AND s.search @@ $3 AS matches
    FROM summaries s WHERE s.organization_id = $1 AND {WITHIN} AND {BEHIND}
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT $7
"""  # noqa: S608  # our own words
LOOK_UP = f"""
    SELECT s.id FROM summaries s WHERE {{searched}} @@ $8 AND {OWN} AND {READABLE} AND {WITHIN} AND {BEHIND}
      AND ($3 IS NULL OR ts_match_vq(s.search, $3))
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT $7
"""  # noqa: S608  # as above
# Said of the row, too: what is found is right whatever the index makes of a label.
OF_ONE_DAY = LOOK_UP.replace("    ORDER BY", "      AND search_day(s.created_at) = day\n    ORDER BY")
NEXT = f"""
    SELECT s.created_at FROM summaries s WHERE s.organization_id = $1 AND {PLACE}
    ORDER BY s.created_at {{direction}}, s.id {{direction}} LIMIT 1
"""  # noqa: S608  # as above
ORDERS = {
    "-created_at": {"direction": "DESC", "behind": "<"},
    "created_at": {"direction": "ASC", "behind": ">"},
}
BY_DAY = "search_by_day({row}search, {row}organization_id, {row}user_id, {row}visibility, {row}created_at)"
SEARCHED, INDEXED = BY_DAY.format(row="s."), BY_DAY.format(row="")


def ordered(statement: str, *, searched: str = "") -> str:
    """The statement in the order that is asked for."""
    oldest, newest = (
        statement.format(searched=searched, **ORDERS[order]) for order in ("created_at", "-created_at")
    )
    return f"CASE sorted WHEN 'created_at' THEN $sql$ {oldest} $sql$ ELSE $sql$ {newest} $sql$ END"


# A label as those of 0021, which no word can be: a day of all that everybody in a tenant reads, or of a
# person's own. Days are those of UTC, told as a number: how a date is written hangs on a setting. It has
# casts, as what is not immutable throughout is called for each row, and each write takes 0.1 ms more.
DAY_LABEL = """
CREATE OR REPLACE FUNCTION search_day_label(reader uuid, day date) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'on:' || reader::text || ':' || (day - date '2000-01-01')::text $$
"""
DAY_OF = """
CREATE OR REPLACE FUNCTION search_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (moment AT TIME ZONE 'UTC')::date $$
"""
SEARCH_BY_DAY = """
CREATE OR REPLACE FUNCTION search_by_day(
    search tsvector, organization_id uuid, user_id uuid, visibility text, created_at timestamptz
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT search || array_to_tsvector(ARRAY['=' || public.search_day_label(
        CASE WHEN visibility = 'organization' THEN organization_id ELSE user_id END,
        public.search_day(created_at))])
$$
"""
# Of the labels of a tenant's reader in `search_query` (0021) those of one day.
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
# A day costs about a third of a millisecond, and the index as a whole about as much as what matches in
# all: to look at more days for a page than these is dearer for the words for which it would be needed.
# Where one role is owner and server its own policy stands before the index: there no look is cheap.
DAYS = "CASE WHEN row_security_active('summaries') THEN 0 ELSE 12 + at_most / 16 END"
# In a function, so that its plan is made once a connection: to plan costs three times what a day takes.
IN_FUNCTION = {
    "$1": "tenant",
    "$2": "viewer",
    "$3": "exactly",
    "$4": "wanted",
    "$5": "after_time",
    "$6": "after_id",
    "$7": "at_most - found",
    "$8": "of_day",
}


def planned_once(statement: str) -> str:
    """With a function's variables for what is told."""
    for told, variable in IN_FUNCTION.items():
        statement = statement.replace(told, variable)
    return statement


# What matches behind a place, in the order of time, from the index alone. Without workers: a plan for any
# query expects many rows of a large table, and to start workers takes ten times what a day does.
LOOKED_UP = f"""
CREATE OR REPLACE FUNCTION looked_up_summaries(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamptz, after_id uuid,
    at_most integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = public, pg_temp SET enable_seqscan = off
SET enable_sort = off SET plan_cache_mode = force_generic_plan SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
    asked record := loose_search_query(query, wanted, tenant, viewer);
    exactly tsquery := CASE WHEN NOT asked.exact THEN query END;
    days integer := {DAYS};
    next_time timestamptz;
    day date;
    of_day tsquery;
    many integer;
    found integer := 0;
BEGIN
    FOR number IN 1..days LOOP
        IF sorted = 'created_at' THEN
            next_time := ({planned_once(NEXT.format(**ORDERS["created_at"]))});
        ELSE
            next_time := ({planned_once(NEXT.format(**ORDERS["-created_at"]))});
        END IF;
        IF next_time IS NULL OR NOT ({planned_once(WITHIN).replace("s.created_at", "next_time")}) THEN
            RETURN;
        END IF;
        day := search_day(next_time);
        of_day := search_query_of_day(asked.loose, tenant, viewer, day);
        IF sorted = 'created_at' THEN
            RETURN QUERY {planned_once(OF_ONE_DAY.format(searched=SEARCHED, **ORDERS["created_at"]))};
        ELSE
            RETURN QUERY {planned_once(OF_ONE_DAY.format(searched=SEARCHED, **ORDERS["-created_at"]))};
        END IF;
        GET DIAGNOSTICS many = ROW_COUNT;
        found := found + many;
        IF found = at_most THEN
            RETURN;
        END IF;
        after_time := (day + CASE sorted WHEN 'created_at' THEN 1 ELSE 0 END)::timestamp AT TIME ZONE 'UTC';
        after_id := '00000000-0000-0000-0000-000000000000';
        -- The first day may have begun just now, and what is rare comes by chance: two more are granted.
        -- At this rate the page would be further away than all days.
        EXIT WHEN number > 1 AND (found + 2) * days < at_most * number;
    END LOOP;
    RETURN QUERY EXECUTE {ordered(LOOK_UP, searched=SEARCHED)}
        USING tenant, viewer, exactly, wanted, after_time, after_id, at_most - found, asked.loose;
END $$
"""
ADDED = {
    "search_day(timestamptz)": DAY_OF,
    "search_day_label(uuid, date)": DAY_LABEL,
    "search_by_day(tsvector, uuid, uuid, text, timestamptz)": SEARCH_BY_DAY,
    "search_query_of_day(tsquery, uuid, uuid, date)": OF_DAY,
    "looked_up_summaries(tsquery, jsonb, uuid, uuid, text, timestamptz, uuid, integer)": LOOKED_UP,
}

# A row of the walk costs as much as twenty that the index passes over for a day.
FAR, FORMER_FAR = 2_500, 10_000
GO_ON = """
            RETURN QUERY SELECT l FROM looked_up_summaries(
                query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) l;
"""
FORMER_GO_ON = f"""
            asked := loose_search_query(query, wanted, tenant, viewer);
            RETURN QUERY EXECUTE {ordered(LOOK_UP, searched="s.search")}
                USING tenant, viewer, CASE WHEN NOT asked.exact THEN query END, wanted,
                    met.created_at, met.id, at_most - found, asked.loose;
"""


def matching(*, far: int, go_on: str, declared: str = "") -> str:
    """That of 0038 and 0042, but for how far it walks and how it goes on."""
    return f"""
CREATE OR REPLACE FUNCTION matching_summaries(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamptz, after_id uuid,
    at_most integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = public, pg_temp SET enable_seqscan = off
SET enable_sort = off
AS $$
DECLARE
    met record;
    seen integer := 0;
    found integer := 0;{declared}
BEGIN
    IF query IS NULL THEN
        RETURN;
    END IF;
    FOR met IN EXECUTE {ordered(WALK)}
        USING tenant, viewer, query, wanted, after_time, after_id, {far} + 1
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
        IF seen % 250 = 0 AND seen::bigint * at_most > {far}::bigint * found THEN{go_on}            RETURN;
        END IF;
    END LOOP;
END $$
"""  # as above


FORMER_MATCHING = matching(far=FORMER_FAR, go_on=FORMER_GO_ON, declared="\n    asked record;")
COUNTING = "count_matching_summaries(tsquery, jsonb, uuid, uuid)"
NAME, BEING_BUILT = "ix_summaries_search", "ix_summaries_search_next"


IS_BUILT = f"""
SELECT EXISTS (
    SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = '{BEING_BUILT}'
    AND i.indisvalid AND (pg_get_indexdef(c.oid) LIKE '%search_by_day%') = :by_day)
"""  # noqa: S608  # our own words
# Of the list that a GIN index keeps of what was written last, in KB; each look reads it through, and now a
# page takes several looks: with the 4 MB that PostgreSQL allows each took 1.4 ms more.
PENDING = "WITH (gin_pending_list_limit = 256)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in ADDED.values():
        op.execute(function)
    _build(INDEXED, PENDING)
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(matching(far=FAR, go_on=GO_ON))
    _count_by("s.search @@ $3", f"{SEARCHED} @@ $3")
    _exchange()


def downgrade() -> None:
    _build("search")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FORMER_MATCHING)
    _count_by(f"{SEARCHED} @@ $3", "s.search @@ $3")
    _exchange()
    op.execute("SET LOCAL lock_timeout = '5s'")
    for signature in reversed(ADDED):
        op.execute(f"DROP FUNCTION {signature}")


def _build(column: str, options: str = "") -> None:
    """Unless a run that was cut off has: the functions may ask it already."""
    with op.get_context().autocommit_block():
        if op.get_bind().scalar(text(IS_BUILT), {"by_day": column == INDEXED}):
            return
        # It waits for whoever writes, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {BEING_BUILT}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {BEING_BUILT} ON summaries USING gin ({column})"
            f" {options} WHERE deleted_at IS NULL"
        )


def _count_by(old: str, new: str) -> None:
    source = f"pg_get_functiondef('{COUNTING}'::regprocedure)"
    op.execute(f"DO $do$ BEGIN EXECUTE replace({source}, '{old}', '{new}'); END $do$")


def _exchange() -> None:
    with op.get_context().autocommit_block():
        # This waits for whoever reads, too. Where it gives up, the next run comes back here.
        op.execute("SET lock_timeout = '5s'")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {BEING_BUILT} RENAME TO {NAME}")
