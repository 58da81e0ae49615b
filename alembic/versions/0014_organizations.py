"""Organisations end, with a grace period; invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
USER = "(SELECT nullif(current_setting('app.user_id', true), '')::uuid)"
VISIBLE = f"id = {TENANT} OR id IN (SELECT organization_id FROM memberships WHERE user_id = {USER})"  # noqa: S608  # our own words
OPEN = "accepted_at IS NULL AND withdrawn_at IS NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("organizations", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("organizations", sa.Column("erase_after", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_organizations_erase_after", "organizations", ["erase_after"])
    # Somebody sees the organisations that they belong to, and changes the one that they act in.
    op.execute(f"ALTER POLICY tenant ON organizations USING ({VISIBLE}) WITH CHECK (id = {TENANT})")
    # What one may see of others' one may not delete: a row's new form is checked, its end is not.
    op.execute(f"CREATE POLICY own_deletes ON organizations AS RESTRICTIVE FOR DELETE USING (id = {TENANT})")
    op.execute(
        "CREATE POLICY own_deletes ON memberships AS RESTRICTIVE FOR DELETE"
        f" USING (organization_id = {TENANT})"
    )
    create_invitations()
    op.execute(DUE_ORGANIZATIONS)
    look_across_tenants("due_organizations(integer)", "organizations")


def create_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'member', 'admin', 'owner')", name="ck_invitations_role"),
        sa.CheckConstraint("email = lower(email)", name="ck_invitations_email_lower"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_invitations_organization_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name="fk_invitations_invited_by", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("organization_id", "id", name="uq_invitations_organization_id_id"),
    )
    op.create_index(
        "ix_invitations_organization_id_created_at_id",
        "invitations",
        ["organization_id", "created_at", "id"],
    )
    op.create_index("ix_invitations_invited_by", "invitations", ["invited_by"])
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )
    op.execute("ALTER TABLE invitations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE invitations FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON invitations USING (organization_id = {TENANT})"
        f" WITH CHECK (organization_id = {TENANT})"
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


DUE_ORGANIZATIONS = """
CREATE FUNCTION due_organizations(how_many integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT id FROM organizations WHERE erase_after <= now() ORDER BY erase_after LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION due_organizations(integer)")
    op.execute("DROP POLICY IF EXISTS lookup ON organizations")
    op.drop_table("invitations")
    op.execute("DROP POLICY own_deletes ON memberships")
    op.execute("DROP POLICY own_deletes ON organizations")
    op.execute(f"ALTER POLICY tenant ON organizations USING (id = {TENANT}) WITH CHECK (id = {TENANT})")
    op.drop_index("ix_organizations_erase_after", "organizations")
    op.drop_column("organizations", "erase_after")
    op.drop_column("organizations", "suspended_at")
