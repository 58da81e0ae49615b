"""Share links and feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_shares()
    create_feeds()
    for table, function in LOOKUPS.items():
        protect(table)
        op.execute(organization_of(table, function))
        look_across_tenants(f"{function}(bytea)", table)


# One narrow function a table: by the digest of a link's secret part, whose tenant it is.
LOOKUPS = {"summary_shares": "share_organization", "summary_feeds": "feed_organization"}


def create_shares() -> None:
    op.create_table(
        "summary_shares",
        sa.Column("summary_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("view_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            name="fk_summary_shares_organization_id_summary_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("summary_id", name="pk_summary_shares"),
        sa.UniqueConstraint("digest", name="uq_summary_shares_digest"),
    )


def create_feeds() -> None:
    op.create_table(
        "summary_feeds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            name="fk_summary_feeds_organization_id_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_summary_feeds_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_summary_feeds"),
        sa.UniqueConstraint("digest", name="uq_summary_feeds_digest"),
        sa.UniqueConstraint("organization_id", "user_id", name="uq_summary_feeds_organization_id_user_id"),
    )
    op.create_index("ix_summary_feeds_user_id", "summary_feeds", ["user_id"])


def protect(table: str) -> None:
    rule = f"organization_id = {TENANT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")


def organization_of(table: str, function: str) -> str:
    return f"""
    CREATE FUNCTION {function}(secret_digest bytea) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE found_id uuid;
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        SELECT organization_id INTO found_id FROM {table} WHERE digest = secret_digest;
        PERFORM set_config('app.lookup', '', true);
        RETURN found_id;
    END $$
    """  # noqa: S608  # our own names


def look_across_tenants(function: str, table: str) -> None:
    """As in 0001, which is frozen: one narrow function reads a table across tenants."""
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


def downgrade() -> None:
    for table, function in LOOKUPS.items():
        op.execute(f"DROP FUNCTION {function}(bytea)")
        op.drop_table(table)
