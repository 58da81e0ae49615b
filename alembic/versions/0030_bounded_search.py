"""Highlights and ranks whose cost no text and no query can drive: of single words, in a piece of the text.

What ts_headline and ts_rank cost grows faster than a phrase does, and a letter of Chinese is a word: one page
held a processor for minutes, in calls that no statement timeout ends. What is found, is found by phrases as
before.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# As in 0021, where the languages are named.
CONFIGURATIONS = (
    "ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french',"
    " 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali',"
    " 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil',"
    " 'turkish', 'yiddish']"
)

# Each word once, in the order in which they are asked for. No row: none that this language understands.
LEXEMES = r"""
CREATE FUNCTION search_lexemes(words regconfig, terms jsonb, at_most integer) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT lexeme FROM unnest(to_tsvector(words, searchable(
        (SELECT string_agg(term, E'\n' ORDER BY place)
         FROM jsonb_array_elements_text(terms) WITH ORDINALITY AS asked (term, place)))))
    ORDER BY positions[1], lexeme LIMIT at_most
$$
"""
ANY_LEXEME = r"""
CREATE FUNCTION search_any(lexemes text[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
    FROM unnest(lexemes) lexeme
$$
"""

# Of a long text a piece from a little before the first of the words, as far as its stem's letters tell, and
# from where a word begins. ts_headline's time is square in the words that match: in bytes, as a letter of
# three is a word.
PASSAGE = r"""
CREATE FUNCTION search_passage(content text, lexemes text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    lowered text;
    start integer;
    piece text := left(content, 1500);
BEGIN
    IF octet_length(content) > 1500 THEN
        lowered := ' ' || lower(left(content, 10000));
        SELECT min(coalesce(nullif(strpos(lowered, ' ' || stem), 0), nullif(strpos(lowered, stem), 0))) - 100
            INTO start FROM (SELECT left(lexeme, 20) AS stem FROM unnest(lexemes[1:10]) lexeme) stems;
        IF start > 1 THEN
            piece := regexp_replace(substr(content, start, 1500), '^\S{0,40}\s+', '');
        END IF;
    END IF;
    RETURN left(piece, 1500 * char_length(piece) / greatest(octet_length(piece), 1500));
END $$
"""
HIGHLIGHT = """
CREATE OR REPLACE FUNCTION search_highlight(content text, language text, terms jsonb, options text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    words regconfig := ('pg_catalog.' || search_configuration(language))::regconfig;
    lexemes text[] := ARRAY(SELECT search_lexemes(words, terms, 32));
BEGIN
    IF cardinality(lexemes) = 0 THEN
        RETURN NULL;
    END IF;
    RETURN ts_headline(
        words, searchable(search_passage(content, lexemes)), search_any(lexemes), options);
END $$
"""
FORMER_HIGHLIGHT = """
CREATE OR REPLACE FUNCTION search_highlight(content text, language text, terms jsonb, options text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    words regconfig := ('pg_catalog.' || search_configuration(language))::regconfig;
    marks tsquery := ''::tsquery;
    term text;
BEGIN
    FOR term IN SELECT searchable(t) FROM jsonb_array_elements_text(terms) t LOOP
        marks := marks || phraseto_tsquery(words, term);
    END LOOP;
    RETURN ts_headline(words, searchable(left(content, 20000)), marks, options);
END $$
"""

# As in 0021, but for what ranks.
MATCHING = """
    FROM summaries s
    WHERE s.organization_id = $1 AND (s.visibility = 'organization' OR s.user_id = $2)
      AND s.deleted_at IS NULL AND NOT s.ephemeral AND s.search @@ $3
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
      AND ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
"""
BY_TIME = """
    RETURN QUERY EXECUTE $sql$
        SELECT s.id, 0 {matching}
          AND ($5::timestamptz IS NULL OR (s.created_at, s.id) {behind} ($5, $6))
        ORDER BY s.created_at {direction}, s.id {direction} LIMIT $7
    $sql$ USING tenant, viewer, query, wanted, after_time, after_id, at_most;
"""
FIND = """
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
    IF sorted = '-created_at' THEN
    {newest}
    ELSIF sorted = 'created_at' THEN
    {oldest}
    ELSE
    -- Of very many matches the newest are ranked: to rank is to read the words of each.
    RETURN QUERY EXECUTE $sql$
        {ranking}
        SELECT r.id, r.rank FROM (
            SELECT c.id, coalesce((ts_rank(c.search, w.words, 1) * 1000000)::integer, 0) AS rank
            FROM (SELECT s.id, s.search, s.language {matching}
                  ORDER BY s.created_at DESC, s.id DESC LIMIT $8) c
            JOIN {ranked_by} w ON w.configuration = search_configuration(c.language)) r
        WHERE $5::integer IS NULL OR (r.rank, r.id) < ($5, $6)
        ORDER BY r.rank DESC, r.id DESC LIMIT $7
    $sql$ USING tenant, viewer, query, wanted, after_rank, after_id, at_most, ranked_at_most();
    END IF;
    PERFORM set_config('app.lookup', '', true);
END $$
"""  # our own words
# Ten of the words: an OR of so many costs microseconds a row, whatever stands in it.
RANKING = f"""
        WITH ranking AS MATERIALIZED (
            SELECT configuration, search_any(ARRAY(
                SELECT search_lexemes(('pg_catalog.' || configuration)::regconfig, $4->'terms', 10))) AS words
            FROM unnest({CONFIGURATIONS}) configuration)
"""  # noqa: S608  # as above
RANKED = "CREATE OR REPLACE FUNCTION ranked_at_most() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT {}'"
ADDED = {
    "search_lexemes(regconfig, jsonb, integer)": LEXEMES,
    "search_any(text[])": ANY_LEXEME,
    "search_passage(text, text[])": PASSAGE,
}


def finding(*, ranking: str, ranked_by: str) -> str:
    return FIND.format(
        newest=BY_TIME.format(matching=MATCHING, behind="<", direction="DESC"),
        oldest=BY_TIME.format(matching=MATCHING, behind=">", direction="ASC"),
        matching=MATCHING,
        ranking=ranking,
        ranked_by=ranked_by,
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for body in ADDED.values():
        op.execute(body)
    op.execute(HIGHLIGHT)
    op.execute(RANKED.format(500))
    op.execute(finding(ranking=RANKING, ranked_by="ranking"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(finding(ranking="", ranked_by="search_words($4)"))
    op.execute(RANKED.format(2000))
    op.execute(FORMER_HIGHLIGHT)
    for function in reversed(ADDED):
        op.execute(f"DROP FUNCTION {function}")
