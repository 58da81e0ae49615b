"""Erasure: accounts that are to go, their receipts, and two narrow looks at what a person left behind."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def look_across_tenants(function: str, table: str) -> None:
    """As in 0001; the policy is named after the function, as other migrations make some on these tables."""
    policy = f"lookup_{function.partition('(')[0]}"
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
                    'CREATE POLICY {policy} ON {table} FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "account_erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("erase_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_account_erasures_user_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_erasures"),
        sa.UniqueConstraint("user_id", name="uq_account_erasures_user_id"),
    )
    op.create_index(
        "ix_account_erasures_due",
        "account_erasures",
        ["erase_after"],
        postgresql_where=sa.text("erased_at IS NULL"),
    )
    op.execute(MY_AUDIT_ENTRIES)
    look_across_tenants("my_audit_entries(uuid, integer)", "audit_entries")
    op.execute(MY_AUTHORED_ORGANIZATIONS)
    look_across_tenants("my_authored_organizations()", "summaries")


# Whose they are is the transaction's user, never an argument. The address is the actor's: of what others did
# to one, neither their address nor who they are is one's own data.
MY_AUDIT_ENTRIES = """
CREATE FUNCTION my_audit_entries(after uuid, at_most integer)
RETURNS TABLE (id uuid, organization_id uuid, action text, actor_kind text, was_me boolean, target_kind text,
    target_id uuid, address inet, request_id text, details jsonb, created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE me uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT e.id, e.organization_id, e.action, e.actor_kind, e.actor_id IS NOT DISTINCT FROM me,
        e.target_kind, e.target_id, CASE WHEN e.actor_id = me THEN e.address END, e.request_id, e.details,
        e.created_at
    FROM audit_entries e
    WHERE me IS NOT NULL AND (e.actor_id = me OR e.subject_id = me) AND e.id > after
    ORDER BY e.id LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""

# Also those that one has left since.
MY_AUTHORED_ORGANIZATIONS = """
CREATE FUNCTION my_authored_organizations() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE me uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT DISTINCT s.organization_id FROM summaries s WHERE s.user_id = me;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function, arguments, table in (
        ("my_audit_entries", "uuid, integer", "audit_entries"),
        ("my_authored_organizations", "", "summaries"),
    ):
        op.execute(f"DROP FUNCTION {function}({arguments})")
        op.execute(f"DROP POLICY IF EXISTS lookup_{function} ON {table}")
    op.drop_table("account_erasures")
