"""Summaries and their texts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def protect(table: str, rule: str) -> None:
    """Row-level security for everybody, the owner too; unset tenant means no rows."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")


def look_across_tenants(function: str, table: str) -> None:
    """Lets one narrow function read a table before its tenant is known.

    With the roles of `precis db bootstrap` it belongs to app_search (BYPASSRLS). Where a managed PostgreSQL
    gives a single role, a policy of the owner's recognises the flag that the function raises while it runs.
    """
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSE
                EXECUTE format(
                    'CREATE POLICY lookup ON {table} FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


def upgrade() -> None:
    create_tables()
    protect("summaries", f"organization_id = {TENANT}")
    protect("summary_contents", f"organization_id = {TENANT}")
    op.execute(UNFINISHED_SUMMARIES)
    look_across_tenants("unfinished_summaries(interval, integer)", "summaries")


def create_tables() -> None:
    op.create_table(
        "summaries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("canonical_url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("site_name", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("key_points", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("keywords", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sentences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_word_count", sa.Integer(), nullable=True),
        sa.Column("summary_word_count", sa.Integer(), nullable=True),
        sa.Column("reading_minutes", sa.Double(), nullable=True),
        sa.Column("low_content", sa.Boolean(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("failure_retryable", sa.Boolean(), nullable=True),
        sa.Column("stages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source IN ('url', 'text', 'html')", name="ck_summaries_source"),
        sa.CheckConstraint(
            "status IN ('queued', 'fetching', 'extracting', 'summarising', 'ready', 'failed')",
            name="ck_summaries_status",
        ),
        sa.CheckConstraint("visibility IN ('private', 'organization')", name="ck_summaries_visibility"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_summaries_organization_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_summaries_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_summaries"),
        sa.UniqueConstraint("organization_id", "id", name="uq_summaries_organization_id_id"),
    )
    op.create_index(
        "ix_summaries_organization_id_created_at_id",
        "summaries",
        ["organization_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_summaries_unfinished",
        "summaries",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('ready', 'failed') AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_summaries_organization_id_unfinished",
        "summaries",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('ready', 'failed') AND deleted_at IS NULL"),
    )
    op.create_index("ix_summaries_user_id", "summaries", ["user_id"], unique=False)
    op.create_table(
        "summary_contents",
        sa.Column("summary_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("input", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            name="fk_summary_contents_organization_id_summary_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("summary_id", name="pk_summary_contents"),
    )


# Those that no job in the queue will take up: the reconciler enqueues them again.
UNFINISHED_SUMMARIES = """
CREATE FUNCTION unfinished_summaries(idle interval, at_most integer)
RETURNS TABLE (organization_id uuid, summary_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
    WHERE s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL AND s.updated_at < now() - idle
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs j
          WHERE j.args->>'summary_id' = s.id::text AND j.status IN ('todo', 'doing'))
    ORDER BY s.updated_at LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def downgrade() -> None:
    op.execute("DROP FUNCTION unfinished_summaries(interval, integer)")
    op.drop_table("summary_contents")
    op.drop_table("summaries")
