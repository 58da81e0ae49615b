"""Earlier versions of a summary; by what an equal submission is known; what was asked for anew."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in new_columns():
        op.add_column("summaries", column)
    op.create_index(
        "ix_summaries_submitted_key",
        "summaries",
        ["organization_id", "user_id", "submitted_key"],
        postgresql_where=sa.text("submitted_key IS NOT NULL"),
    )
    create_versions()
    op.execute(UNCOLLECTED)
    look_across_tenants("uncollected_summaries(interval, integer)")


def new_columns() -> tuple[sa.Column[Any], ...]:  # Any: of several types
    """Whose title the rows that are there have is not known: it is kept, as the user's own would be."""
    return (
        sa.Column("submitted_key", sa.LargeBinary(), nullable=True),
        sa.Column("own_title", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("pending", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
    )


def create_versions() -> None:
    op.create_table(
        "summary_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("summary_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("key_points", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sentences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_word_count", sa.Integer(), nullable=True),
        sa.Column("summary_word_count", sa.Integer(), nullable=True),
        sa.Column("low_content", sa.Boolean(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("fallback_reason", sa.Text(), nullable=True),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            name="fk_summary_versions_organization_id_summary_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "summary_id", "number", name="pk_summary_versions"),
    )
    op.execute("ALTER TABLE summary_versions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE summary_versions FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON summary_versions USING (organization_id = {TENANT})"
        f" WITH CHECK (organization_id = {TENANT})"
    )
    op.execute(COUNT_STORAGE)
    op.execute(
        "CREATE TRIGGER count_version_storage AFTER INSERT OR DELETE ON summary_versions"
        " FOR EACH ROW EXECUTE FUNCTION count_version_storage()"
    )


# A version is never changed. Deleting makes no row, as in 0015: the organisation may be on its way out.
COUNT_STORAGE = """
CREATE FUNCTION count_version_storage() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE usage_storage SET text_bytes = text_bytes - octet_length(OLD.text)
        WHERE organization_id = OLD.organization_id AND OLD.text IS NOT NULL;
        RETURN OLD;
    END IF;
    IF NEW.text IS NOT NULL THEN
        INSERT INTO usage_storage VALUES (NEW.organization_id, octet_length(NEW.text))
        ON CONFLICT (organization_id) DO UPDATE
        SET text_bytes = usage_storage.text_bytes + octet_length(NEW.text);
    END IF;
    RETURN NEW;
END $$
"""

# What `store=false` asked for and nobody came back to collect.
UNCOLLECTED = """
CREATE FUNCTION uncollected_summaries(kept interval, how_many integer)
RETURNS TABLE (organization_id uuid, summary_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
        WHERE s.ephemeral AND s.created_at < now() - kept ORDER BY s.created_at LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


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


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION uncollected_summaries(interval, integer)")
    op.drop_table("summary_versions")
    op.execute("DROP FUNCTION count_version_storage()")
    op.drop_index("ix_summaries_submitted_key", "summaries")
    for column in new_columns():
        op.drop_column("summaries", column.name)
