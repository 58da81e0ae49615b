"""Webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_webhooks()
    create_deliveries()
    for table in ("webhooks", "webhook_deliveries"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} USING (organization_id = {TENANT})"
            f" WITH CHECK (organization_id = {TENANT})"
        )
    op.execute(DUE_WEBHOOKS)
    look_across_tenants("due_webhooks(integer)", "webhooks")
    op.execute(WEBHOOK_LEFTOVERS)
    look_across_tenants("webhook_leftovers(interval, integer)", "webhook_deliveries")


def create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resting_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('endpoint', 'callback')", name=op.f("ck_webhooks_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_webhooks_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.UniqueConstraint("organization_id", "id", name="uq_webhooks_organization_id_id"),
    )
    # Where callbacks go is said by each delivery; their secret, and what is known of it, is one row.
    op.create_index(
        "uq_webhooks_callback",
        "webhooks",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'callback'"),
    )


def create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "webhook_id"],
            ["webhooks.organization_id", "webhooks.id"],
            name="fk_webhook_deliveries_organization_id_webhook_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("organization_id", "id", name="uq_webhook_deliveries_organization_id_id"),
    )
    op.create_index(
        "ix_webhook_deliveries_organization_id_webhook_id_created_at_id",
        "webhook_deliveries",
        ["organization_id", "webhook_id", "created_at", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_pending",
        "webhook_deliveries",
        ["webhook_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_webhook_deliveries_leased",
        "webhook_deliveries",
        ["organization_id", "webhook_id", "leased_until"],
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    )


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


# Organisations with something to deliver. It walks the webhooks, of which there are few: what is pending for
# one that is disabled is not looked at, however much it is.
DUE_WEBHOOKS = """
CREATE FUNCTION due_webhooks(how_many integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT DISTINCT w.organization_id FROM webhooks w
        JOIN organizations o ON o.id = w.organization_id
        WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL
          AND (w.resting_until IS NULL OR w.resting_until <= now())
          AND o.suspended_at IS NULL AND o.erase_after IS NULL
          AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id
                      AND d.status = 'pending' AND d.next_attempt_at <= now())
        LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $$
"""

# Webhooks that were deleted, or have deliveries that are older than we keep them.
WEBHOOK_LEFTOVERS = """
CREATE FUNCTION webhook_leftovers(kept interval, how_many integer)
RETURNS TABLE (organization_id uuid, webhook_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT w.organization_id, w.id FROM webhooks w
        WHERE w.deleted_at IS NOT NULL
           OR EXISTS (SELECT FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
                      AND d.webhook_id = w.id AND d.created_at < now() - kept)
        LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION webhook_leftovers(interval, integer)")
    op.execute("DROP FUNCTION due_webhooks(integer)")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
