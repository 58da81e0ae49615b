"""What a search leaves out is compared row by row for a thousand that have the rest; then the index is asked.

The index of words compares each text of anybody's that has a rare word with the list of a common one that is
left out, and with the labels of languages where one reads it otherwise than another. The reader's own that
have the rare one are few, and newest first a page's worth of them is fewer still.
"""

from alembic import op
from sqlalchemy import text

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

# In vain they cost a tenth of what the index then takes, or a few milliseconds where it is quick.
FURTHEST = 1_000
# Candidates have what must be there, whatever else they have: twice a page of them, then more at a time.
NARROWED = f"""
CREATE FUNCTION narrowed_summaries(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text,
    after_time timestamptz, after_id uuid, at_most integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = public, pg_temp
AS $$
DECLARE
    wider jsonb := wanted || '{{"without": [], "without_labels": []}}';
    candidates tsquery := search_query(wider, tenant, viewer);
    candidate record;
    portion integer := 2 * at_most;
    seen integer := 0;
    found integer := 0;
    many integer;
BEGIN
    WHILE seen < {FURTHEST} LOOP
        portion := least(portion, {FURTHEST} - seen);
        many := 0;
        FOR candidate IN
            SELECT l AS id, (SELECT s.search @@ query FROM summaries s WHERE s.id = l) AS matches
            FROM looked_up_summaries(
                candidates, wider, tenant, viewer, sorted, after_time, after_id, portion) l
        LOOP
            many := many + 1;
            after_id := candidate.id;
            IF candidate.matches THEN
                found := found + 1;
                RETURN NEXT candidate.id;
                IF found = at_most THEN
                    RETURN;
                END IF;
            END IF;
        END LOOP;
        IF many < portion THEN
            RETURN;
        END IF;
        after_time := (SELECT s.created_at FROM summaries s WHERE s.id = after_id);
        seen := seen + portion;
        portion := 8 * portion;
    END LOOP;
    RETURN QUERY SELECT l FROM looked_up_summaries(
        query, wanted, tenant, viewer, sorted, after_time, after_id, at_most - found) l;
END $$
"""  # noqa: S608  # our own words
PARAMETERS = "tsquery, jsonb, uuid, uuid, text, timestamptz, uuid, integer"
MATCHING, NARROWING = f"matching_summaries({PARAMETERS})", f"narrowed_summaries({PARAMETERS})"
FORMER = """
            RETURN QUERY SELECT l FROM looked_up_summaries(
                query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) l;
            RETURN;
"""
# Where nothing must be there, all would be candidates.
NOW = """
            IF jsonb_array_length(wanted->'without') + jsonb_array_length(wanted->'without_labels') > 0
               AND jsonb_array_length(wanted->'terms') + jsonb_array_length(wanted->'labels') > 0 THEN
                RETURN QUERY SELECT n FROM narrowed_summaries(
                    query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) n;
            ELSE
                RETURN QUERY SELECT l FROM looked_up_summaries(
                    query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) l;
            END IF;
            RETURN;
"""
DEFINITION = text("SELECT pg_get_functiondef(CAST(:signature AS regprocedure))")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(NARROWED)
    _change(FORMER, NOW)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _change(NOW, FORMER)
    op.execute(f"DROP FUNCTION {NARROWING}")


def _change(former: str, now: str) -> None:
    definition: str = op.get_bind().scalar(DEFINITION, {"signature": MATCHING})
    if former not in definition:
        raise RuntimeError(f"{MATCHING} is not as the migration before left it")
    op.execute(definition.replace(former, now))
