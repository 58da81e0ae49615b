"""A summary's host is found by splitting its address: the expression cost more than all else of a trigger.

An address of ours has its scheme in small letters and no user before its host (app/reading/urls.py).
"""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

AUTHORITY = "split_part(split_part(split_part(NEW.canonical_url, '/', 3), '?', 1), '#', 1)"
SPLIT = f"nullif(lower(left(split_part({AUTHORITY}, ':', 1), 253)), '')"
MATCHED = "lower(substring(NEW.canonical_url FROM '^https?://([^/:?#]{1,253})'))"


def document(host: str) -> str:
    """That of 0021, but for the host."""
    return f"""
    CREATE OR REPLACE FUNCTION set_summary_search() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp SET client_min_messages = warning
    AS $$
    DECLARE
        words regconfig := ('pg_catalog.' || search_configuration(NEW.language))::regconfig;
        host text := {host};
        reader text := NEW.organization_id
            || CASE NEW.visibility WHEN 'private' THEN ':' || NEW.user_id ELSE '' END;
    BEGIN
        NEW.search := setweight(to_tsvector(words, searchable(left(coalesce(NEW.title, ''), 1000))), 'A')
            || setweight(to_tsvector(words, searchable(left(
                concat_ws(E'\\n', NEW.summary, array_to_string(NEW.tags, ', ')), 40000))), 'B')
            || setweight(to_tsvector(words, searchable(left(coalesce(NEW.notes, ''), 10000))), 'C')
            || setweight(to_tsvector(words, searchable(left(concat_ws(E'\\n', left(NEW.site_name, 300),
                left(NEW.author, 300), host,
                array_to_string(NEW.keywords, ', '), array_to_string(NEW.key_points, E'\\n')), 20000))), 'D')
            || array_to_tsvector(search_labels(reader, NEW.language, NEW.tags, host));
        RETURN NEW;
    END $$
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(document(SPLIT))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(document(MATCHED))
