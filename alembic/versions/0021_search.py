"""Finding summaries by their words: a column that the database keeps, and an index for each filter.

The column is nullable and filled by a trigger for whatever is written from now on; older rows are filled by
the worker, some at a time. Indexes are built beside the reading and writing (CONCURRENTLY), each from anew
where an earlier try was interrupted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Who may read a row, as one value: everybody of the organisation, or its author alone.
READER = (
    "(CASE WHEN visibility = 'organization' THEN '00000000-0000-0000-0000-000000000000'::uuid"
    " ELSE user_id END)"
)
KEPT = "deleted_at IS NULL"
# With what the expression is made of, as PostgreSQL otherwise opens each row to count it.
COUNTED = f"(organization_id, {READER}, created_at, id) INCLUDE (visibility, user_id)"
INDEXES = {
    "shelf": (COUNTED, f"{KEPT} AND archived_at IS NULL AND NOT ephemeral"),
    "archive": (COUNTED, f"{KEPT} AND archived_at IS NOT NULL AND NOT ephemeral"),
    "favourites": (f"(organization_id, {READER}, created_at, id)", f"{KEPT} AND favourite"),
    "status": (f"(organization_id, {READER}, status, created_at, id)", KEPT),
    "trash": (f"(organization_id, {READER}, deleted_at, id)", "deleted_at IS NOT NULL"),
    "search": ("USING gin (search)", KEPT),
    "unsearchable": ("(id)", "search IS NULL"),
}
# The configurations that PostgreSQL has had since 14, by the languages' codes (ISO 639-1).
LANGUAGES = {
    "ar": "arabic",
    "hy": "armenian",
    "eu": "basque",
    "ca": "catalan",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "ga": "irish",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "no": "norwegian",
    "nb": "norwegian",
    "nn": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "es": "spanish",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
CASES = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in LANGUAGES.items())
CONFIGURATIONS = ", ".join(f"'{name}'" for name in sorted({*LANGUAGES.values(), "simple"}))

CONFIGURATION = f"""
CREATE FUNCTION search_configuration(language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE lower(split_part(language, '-', 1)) {CASES} ELSE 'simple' END $$
"""  # our own words

# Chinese, Japanese and Korean write no spaces: each of their letters becomes a word, and a word of theirs a
# phrase. What separates is a control character, so that a highlight can take it out again.
SEARCHABLE = r"""
CREATE FUNCTION searchable(content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN octet_length(content) = char_length(content)
        THEN translate(content, E'\x02\x03\x1f', '   ')
        ELSE regexp_replace(translate(content, E'\x02\x03\x1f', '   '),
            '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])', E'\x1f\\1\x1f', 'g') END
$$
"""

# What is no word begins with an equals sign, which no word does: whoever searches for words finds no labels.
LABELS = """
CREATE FUNCTION search_labels(reader text, language text, tags text[], host text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    labels text[] := ARRAY['=in:' || reader, '=as:' || search_configuration(language)];
    domain text := host;
    tag text;
BEGIN
    IF language IS NOT NULL THEN
        labels := labels || ('=lang:' || lower(language))
            || ('=lang:' || lower(split_part(language, '-', 1)));
    END IF;
    FOREACH tag IN ARRAY tags LOOP
        labels := labels || ('=tag:' || tag);
    END LOOP;
    -- The host, and each domain above it.
    WHILE domain <> '' LOOP
        labels := labels || ('=site:' || domain);
        domain := CASE WHEN strpos(domain, '.') > 0 THEN substr(domain, strpos(domain, '.') + 1) END;
    END LOOP;
    RETURN labels;
END $$
"""

# The limits keep a page from making more than a tsvector can hold, which would fail its job.
DOCUMENT = """
CREATE FUNCTION set_summary_search() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    words regconfig := ('pg_catalog.' || search_configuration(NEW.language))::regconfig;
    host text := lower(substring(NEW.canonical_url FROM '^https?://([^/:?#]{1,253})'));
    reader text := NEW.organization_id
        || CASE NEW.visibility WHEN 'private' THEN ':' || NEW.user_id ELSE '' END;
BEGIN
    NEW.search := setweight(to_tsvector(words, searchable(left(coalesce(NEW.title, ''), 1000))), 'A')
        || setweight(to_tsvector(words, searchable(left(
            concat_ws(E'\n', NEW.summary, array_to_string(NEW.tags, ', ')), 40000))), 'B')
        || setweight(to_tsvector(words, searchable(left(coalesce(NEW.notes, ''), 10000))), 'C')
        || setweight(to_tsvector(words, searchable(left(concat_ws(E'\n', left(NEW.site_name, 300),
            left(NEW.author, 300), host,
            array_to_string(NEW.keywords, ', '), array_to_string(NEW.key_points, E'\n')), 20000))), 'D')
        || array_to_tsvector(search_labels(reader, NEW.language, NEW.tags, host));
    RETURN NEW;
END $$
"""
WRITTEN = (
    "title, summary, tags, notes, site_name, author, canonical_url, keywords, key_points, language,"
    " visibility, user_id, organization_id, search"
)

LABEL_QUERY = r"""
CREATE FUNCTION search_label(label text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ('''=' || replace(replace(label, '\', '\\'), '''', '''''') || '''')::tsquery $$
"""

# The words as each language understands them. Where it understands none of those that are wanted ("the"),
# nothing of that language matches. PostgreSQL's notices of that would go to the client.
WORDS = f"""
CREATE FUNCTION search_words(wanted jsonb) RETURNS TABLE (configuration text, words tsquery)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    term text;
    found tsquery;
BEGIN
    FOREACH configuration IN ARRAY ARRAY[{CONFIGURATIONS}] LOOP
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
"""  # noqa: S608  # as above

# One query for the index: who may read, what is labelled, and the words of every language. NULL: nothing can
# match.
QUERY = """
CREATE FUNCTION search_query(wanted jsonb, tenant uuid, viewer uuid) RETURNS tsquery
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    asked tsquery := search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer);
    readings tsquery := ''::tsquery;
    reading record;
BEGIN
    FOR reading IN SELECT label FROM jsonb_array_elements_text(wanted->'labels') label LOOP
        asked := asked && search_label(reading.label);
    END LOOP;
    FOR reading IN SELECT label FROM jsonb_array_elements_text(wanted->'without_labels') label LOOP
        asked := asked && !!search_label(reading.label);
    END LOOP;
    IF jsonb_array_length(wanted->'terms') + jsonb_array_length(wanted->'without') = 0 THEN
        RETURN asked;
    END IF;
    FOR reading IN SELECT w.words, array_agg(w.configuration) AS configurations
                   FROM search_words(wanted) w GROUP BY w.words LOOP
        readings := readings || (reading.words && (
            SELECT string_agg(search_label('as:' || name)::text, ' | ')::tsquery
            FROM unnest(reading.configurations) name));
    END LOOP;
    RETURN CASE WHEN numnode(readings) > 0 THEN asked && readings END;
END $$
"""

# For people to see why it was found: the matching words between U+0002 and U+0003, plain text otherwise.
HIGHLIGHT = """
CREATE FUNCTION search_highlight(content text, language text, terms jsonb, options text) RETURNS text
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

# Tenant and viewer are the transaction's own, as for row-level security: no argument names them. Under that
# security the words' index could not be used: its operators are not leakproof.
FIND = f"""
CREATE FUNCTION find_summaries(
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
    {BY_TIME.format(matching=MATCHING, behind="<", direction="DESC")}
    ELSIF sorted = 'created_at' THEN
    {BY_TIME.format(matching=MATCHING, behind=">", direction="ASC")}
    ELSE
    -- Of very many matches the newest are ranked: to rank is to read the words of each.
    RETURN QUERY EXECUTE $sql$
        SELECT r.id, r.rank FROM (
            SELECT c.id, (ts_rank(c.search, w.words, 1) * 1000000)::integer AS rank
            FROM (SELECT s.id, s.search, s.language {MATCHING}
                  ORDER BY s.created_at DESC, s.id DESC LIMIT $8) c
            JOIN search_words($4) w ON w.configuration = search_configuration(c.language)) r
        WHERE $5::integer IS NULL OR (r.rank, r.id) < ($5, $6)
        ORDER BY r.rank DESC, r.id DESC LIMIT $7
    $sql$ USING tenant, viewer, query, wanted, after_rank, after_id, at_most, ranked_at_most();
    END IF;
    PERFORM set_config('app.lookup', '', true);
END $$
"""  # noqa: S608  # as above
RANKED = "CREATE FUNCTION ranked_at_most() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2000'"

COUNT = f"""
CREATE FUNCTION count_found_summaries(wanted jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    tenant uuid := nullif(current_setting('app.organization_id', true), '');
    viewer uuid := nullif(current_setting('app.user_id', true), '');
    query tsquery := search_query(wanted, tenant, viewer);
    found bigint;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    EXECUTE $sql$ SELECT count(*) {MATCHING} $sql$ INTO found USING tenant, viewer, query, wanted;
    PERFORM set_config('app.lookup', '', true);
    RETURN found;
END $$
"""  # as above

UNSEARCHABLE = """
CREATE FUNCTION unsearchable_summaries(at_most integer)
RETURNS TABLE (organization_id uuid, summary_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s WHERE s.search IS NULL
        ORDER BY s.id LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""
# Each with its arguments, in the order in which they may be made.
PLAIN = {
    "search_configuration(text)": CONFIGURATION,
    "searchable(text)": SEARCHABLE,
    "search_label(text)": LABEL_QUERY,
    "search_words(jsonb)": WORDS,
    "search_query(jsonb, uuid, uuid)": QUERY,
    "search_highlight(text, text, jsonb, text)": HIGHLIGHT,
    "ranked_at_most()": RANKED,
}
OF_ROWS = {"search_labels(text, text, text[], text)": LABELS, "set_summary_search()": DOCUMENT}
ACROSS = {
    "find_summaries(jsonb, text, timestamptz, integer, uuid, integer)": FIND,
    "count_found_summaries(jsonb)": COUNT,
    "unsearchable_summaries(integer)": UNSEARCHABLE,
}


def look_across_tenants(function: str) -> None:
    """As in 0001; the policy `lookup` that a single role needs is there since 0003."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            END IF;
        END $$
        """
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("summaries", sa.Column("search", postgresql.TSVECTOR(), nullable=True))
    for body in (*PLAIN.values(), *OF_ROWS.values(), *ACROSS.values()):
        op.execute(body)
    for function in ACROSS:
        look_across_tenants(function)
    op.execute(
        f"CREATE TRIGGER set_search BEFORE INSERT OR UPDATE OF {WRITTEN} ON summaries"
        " FOR EACH ROW EXECUTE FUNCTION set_summary_search()"
    )
    with op.get_context().autocommit_block():
        # It waits for whoever writes, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        for name, (columns, rows) in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_summaries_{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY ix_summaries_{name} ON summaries {columns} WHERE {rows}")
        op.execute("SET lock_timeout = '5s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER set_search ON summaries")
    for function in reversed([*PLAIN, *OF_ROWS, *ACROSS]):
        op.execute(f"DROP FUNCTION {function}")
    for name in INDEXES:
        op.execute(f"DROP INDEX ix_summaries_{name}")
    op.drop_column("summaries", "search")
