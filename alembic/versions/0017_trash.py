"""What lies in the trash longer than its organisation's plan keeps it is found, by the worker."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_summaries_deleted_at", "summaries", ["deleted_at"], postgresql_where="deleted_at IS NOT NULL"
    )
    op.execute(OLD_TRASH)
    look_across_tenants("old_trash(text, interval, integer)")


OLD_TRASH = """
CREATE FUNCTION old_trash(of_plan text, kept interval, how_many integer)
RETURNS TABLE (organization_id uuid, summary_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
        JOIN organizations o ON o.id = s.organization_id
        WHERE s.deleted_at < now() - kept AND o.plan = of_plan ORDER BY s.deleted_at LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def look_across_tenants(function: str) -> None:
    """As in 0001; the policies `lookup` that a single role needs are there since 0003 and 0014."""
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
    op.execute("DROP FUNCTION old_trash(text, interval, integer)")
    op.drop_index("ix_summaries_deleted_at", "summaries")
