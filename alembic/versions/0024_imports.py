"""Files wait for their reader uncompressed, and count as storage meanwhile."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BEFORE = "coalesce(octet_length(OLD.input), 0) + coalesce(octet_length(OLD.text), 0)"
AFTER = "coalesce(octet_length(NEW.input), 0) + coalesce(octet_length(NEW.text), 0)"
# The length of what is kept out of line and uncompressed is known without reading it.
OLD_FILE, NEW_FILE = (f" + coalesce(octet_length({row}.document), 0)" for row in ("OLD", "NEW"))
COUNTED = ("summary_contents", "usage_storage")
COUNT_NO_FILES = """
UPDATE usage_storage u SET text_bytes = u.text_bytes - files.bytes
FROM (SELECT organization_id, sum(octet_length(document)) AS bytes FROM summary_contents
      WHERE document IS NOT NULL GROUP BY organization_id) files
WHERE files.organization_id = u.organization_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # PDF and DOCX are compressed themselves: trying it again would cost seconds and save nothing.
    op.execute("ALTER TABLE summary_contents ALTER COLUMN document SET STORAGE EXTERNAL")
    op.execute(count_storage(BEFORE + OLD_FILE, AFTER + NEW_FILE))
    replace_trigger("input, text, document")


def count_storage(before: str, after: str) -> str:
    """As in 0015."""
    return f"""
    CREATE OR REPLACE FUNCTION count_storage() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
    DECLARE
        before bigint := 0;
        after bigint := 0;
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            before := {before};
        END IF;
        IF TG_OP = 'DELETE' THEN
            UPDATE usage_storage SET text_bytes = text_bytes - before
            WHERE organization_id = OLD.organization_id;
            RETURN OLD;
        END IF;
        after := {after};
        IF after <> before THEN
            INSERT INTO usage_storage VALUES (NEW.organization_id, after - before)
            ON CONFLICT (organization_id) DO UPDATE
            SET text_bytes = usage_storage.text_bytes + after - before;
        END IF;
        RETURN NEW;
    END $$
    """  # noqa: S608  # our own words, twice


def replace_trigger(columns: str) -> None:
    op.execute("DROP TRIGGER count_storage ON summary_contents")
    op.execute(
        f"CREATE TRIGGER count_storage AFTER INSERT OR UPDATE OF {columns} OR DELETE ON summary_contents"
        " FOR EACH ROW EXECUTE FUNCTION count_storage()"
    )


def downgrade() -> None:
    """The files stay: 0018 takes them away."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Forced policies hide every row from the owner, too.
    for table in COUNTED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(COUNT_NO_FILES)
    for table in COUNTED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(count_storage(BEFORE, AFTER))
    replace_trigger("input, text")
    op.execute("ALTER TABLE summary_contents ALTER COLUMN document SET STORAGE EXTENDED")
