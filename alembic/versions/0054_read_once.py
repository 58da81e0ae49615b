"""What a page marks and ranks by is read once for each of its languages, and the index is asked for less.

To read the words anew for each title and each text took longer than to mark them: three of the seven
milliseconds of a page. The index of words is told who may read and what must be there as two conditions, as
it compares with one another all that stands under those of one: a look for a rare word takes half.
"""

from alembic import op
from sqlalchemy import text

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

# As in 0030.
CONFIGURATIONS = (
    "ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french',"
    " 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali',"
    " 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil',"
    " 'turkish', 'yiddish']"
)
# The terms as each configuration reads them, once however often it is told. No query: it leaves none of them.
READINGS = """
CREATE FUNCTION search_readings(terms jsonb, configurations text[], at_most integer)
RETURNS TABLE (configuration text, words regconfig, lexemes text[], query tsquery)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
AS $$
    WITH named AS (
        SELECT DISTINCT name, ('pg_catalog.' || name)::regconfig AS words FROM unnest(configurations) name
    ), asked AS MATERIALIZED (
        SELECT n.name, n.words, ARRAY(SELECT l FROM search_lexemes(n.words, terms, at_most) l) AS lexemes
        FROM named n
    )
    SELECT a.name, a.words, a.lexemes, search_any(a.lexemes) FROM asked a
$$
"""
# What search_highlight (0030) does, of words that are read already.
MARK = """
CREATE FUNCTION search_mark(content text, words regconfig, lexemes text[], query tsquery, options text)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT ts_headline(words, searchable(search_passage(content, lexemes)), query, options) $$
"""
WORDS = f"""
CREATE OR REPLACE FUNCTION search_words(wanted jsonb) RETURNS TABLE (configuration text, words tsquery)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    terms text[] := ARRAY(SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'terms') t);
    without text[] := ARRAY(SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'without') t);
    reading regconfig;
    term text;
    found tsquery;
BEGIN
    FOREACH configuration IN ARRAY {CONFIGURATIONS} LOOP
        reading := ('pg_catalog.' || configuration)::regconfig;
        words := ''::tsquery;
        FOREACH term IN ARRAY terms LOOP
            words := words && phraseto_tsquery(reading, term);
        END LOOP;
        CONTINUE WHEN numnode(words) = 0 AND cardinality(terms) > 0;
        FOREACH term IN ARRAY without LOOP
            found := phraseto_tsquery(reading, term);
            words := words && CASE WHEN numnode(found) > 0 THEN !!found ELSE ''::tsquery END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$
"""  # noqa: S608  # our own words
# In place of `loose_search_query` (0038). `content`: what must be there; NULL where nothing must. `readable`:
# who may read it, and without what. Neither has the languages' labels, which the index takes most of its time
# for: unless they are `exact`, they find besides what only another language reads so. Where words are left
# out, and not alike in all languages, the labels are asked: to compare each text would be dearer.
CONDITIONS = f"""
CREATE FUNCTION search_conditions(
    query tsquery, wanted jsonb, tenant uuid, viewer uuid,
    OUT readable tsquery, OUT content tsquery, OUT exact boolean
)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    has_terms boolean := jsonb_array_length(wanted->'terms') > 0;
    is_narrowed boolean := jsonb_array_length(wanted->'without') > 0;
    labels tsquery := ''::tsquery;
    readings tsquery := ''::tsquery;
    label text;
    reading record;
    ways integer := 0;
    languages integer := 0;
BEGIN
    FOR label IN SELECT jsonb_array_elements_text(wanted->'labels') LOOP
        labels := labels && search_label(label);
    END LOOP;
    IF has_terms OR is_narrowed THEN
        FOR reading IN SELECT w.words, count(*) AS many FROM search_words(wanted) w GROUP BY w.words LOOP
            readings := readings || reading.words;
            ways := ways + 1;
            languages := languages + reading.many;
        END LOOP;
    END IF;
    exact := ways = 0 OR (ways = 1 AND languages = cardinality({CONFIGURATIONS}));
    IF is_narrowed AND NOT exact THEN
        readable := query;
        exact := true;
        content := (search_conditions(query, wanted || '{{"without": []}}', tenant, viewer)).content;
        RETURN;
    END IF;
    readable := search_query(wanted || '{{"terms": [], "without": [], "labels": []}}', tenant, viewer);
    IF NOT has_terms THEN
        readable := readable && readings;
        readings := ''::tsquery;
    END IF;
    content := nullif(labels && readings, ''::tsquery);
END $$
"""  # noqa: S608  # our own words
# The newest matches by their ranks, read in the languages that they have.
RANKED = """
        WITH newest AS MATERIALIZED (
            SELECT s.id, s.search, search_configuration(s.language) AS configuration
            FROM matching_summaries(
                query, wanted, tenant, viewer, '-created_at', NULL, NULL, ranked_at_most()) m
            JOIN summaries s ON s.id = m
        ), ranked AS (
            SELECT n.id, coalesce((ts_rank(n.search, r.query, 1) * 1000000)::integer, 0) AS rank
            FROM newest n JOIN search_readings(
                wanted->'terms', (SELECT array_agg(configuration) FROM newest), 10) r USING (configuration)
        )
        SELECT r.id, r.rank FROM ranked r
        WHERE after_rank::integer IS NULL OR (r.rank, r.id) < (after_rank, after_id)
        ORDER BY r.rank DESC, r.id DESC LIMIT at_most
"""
FORMER_RANKED = f"""
        WITH ranking AS MATERIALIZED (
            SELECT configuration, search_any(ARRAY(
                SELECT search_lexemes(('pg_catalog.' || configuration)::regconfig, wanted->'terms', 10))) AS words
            FROM unnest({CONFIGURATIONS}) configuration)
        SELECT r.id, r.rank FROM (
            SELECT c.id, coalesce((ts_rank(c.search, w.words, 1) * 1000000)::integer, 0) AS rank
            FROM (SELECT s.id, s.search, s.language FROM matching_summaries(query, wanted, tenant, viewer, '-created_at', NULL, NULL, ranked_at_most()) m JOIN summaries s ON s.id = m) c
            JOIN ranking w ON w.configuration = search_configuration(c.language)) r
        WHERE after_rank::integer IS NULL OR (r.rank, r.id) < (after_rank, after_id)
        ORDER BY r.rank DESC, r.id DESC LIMIT at_most
"""  # noqa: E501, S608  # SQL reads better unbroken; our own words
# As in 0038.
LOOSE = f"""
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
# As in 0030.
FORMER_WORDS = f"""
CREATE OR REPLACE FUNCTION search_words(wanted jsonb) RETURNS TABLE (configuration text, words tsquery)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    term text;
    found tsquery;
BEGIN
    FOREACH configuration IN ARRAY {CONFIGURATIONS} LOOP
        words := ''::tsquery;
        FOR term IN SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'terms') t LOOP
            words := words && phraseto_tsquery(('pg_catalog.' || configuration)::regconfig, term);
        END LOOP;
        CONTINUE WHEN numnode(words) = 0 AND jsonb_array_length(wanted->'terms') > 0;
        FOR term IN SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'without') t LOOP
            found := phraseto_tsquery(('pg_catalog.' || configuration)::regconfig, term);
            words := words && CASE WHEN numnode(found) > 0 THEN !!found ELSE ''::tsquery END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$
"""  # noqa: S608  # our own words
SEARCHED = "search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at)"
# What stands in each of the functions that call these, and what takes its place.
CHANGED = {
    "find_summaries(jsonb, text, timestamptz, integer, uuid, integer)": {FORMER_RANKED: RANKED},
    "looked_up_summaries(tsquery, jsonb, uuid, uuid, text, timestamptz, uuid, integer)": {
        "loose_search_query(": "search_conditions(",
        "asked.loose": "asked.readable",
        f"{SEARCHED} @@ of_span AND": (
            f"{SEARCHED} @@ of_span\n      AND {SEARCHED} @@ coalesce(asked.content, of_span) AND"
        ),
        # The place, too, in a way that no other index knows: for any values the status' one looked cheaper.
        "      AND (s.created_at, s.id) <": "      AND NOT (s.created_at, s.id) >=",
        "      AND (s.created_at, s.id) >": "      AND NOT (s.created_at, s.id) <=",
    },
    "count_matching_summaries(tsquery, jsonb, uuid, uuid)": {
        "loose_search_query(": "search_conditions(",
        "    found bigint;": "    content tsquery;\n    found bigint;",
        "query := asked.loose;": "query := asked.readable;\n        content := asked.content;",
        f"{SEARCHED} @@ $3 AND": f"{SEARCHED} @@ $3 AND ($5 IS NULL OR {SEARCHED} @@ $5) AND",
        "viewer, query, wanted;": "viewer, query, wanted, content;",
    },
}
DEFINITION = text("SELECT pg_get_functiondef(CAST(:signature AS regprocedure))")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in (WORDS, READINGS, MARK, CONDITIONS):
        op.execute(function)
    for signature, changes in CHANGED.items():
        _change(signature, changes)
    op.execute("DROP FUNCTION loose_search_query(tsquery, jsonb, uuid, uuid)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in (FORMER_WORDS, LOOSE):
        op.execute(function)
    for signature, changes in CHANGED.items():
        _change(signature, {now: former for former, now in reversed(changes.items())})
    op.execute("DROP FUNCTION search_conditions(tsquery, jsonb, uuid, uuid)")
    op.execute("DROP FUNCTION search_mark(text, regconfig, text[], tsquery, text)")
    op.execute("DROP FUNCTION search_readings(jsonb, text[], integer)")


def _change(signature: str, changes: dict[str, str]) -> None:
    definition: str = op.get_bind().scalar(DEFINITION, {"signature": signature})
    for former, now in changes.items():
        if former not in definition:
            raise RuntimeError(f"{signature} is not as the migration before left it")
        definition = definition.replace(former, now)
    op.execute(definition)
