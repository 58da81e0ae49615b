"""Sessions know out of which they were opened; dead ones can be deleted across the tenants, in batches."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def delete_across_tenants(function: str, table: str) -> None:
    """As `look_across_tenants` of 0001; deleting needs the rows to be visible, and a policy of its own."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                GRANT DELETE ON {table} TO app_search;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSE
                EXECUTE format(
                    'CREATE POLICY upkeep ON {table} FOR DELETE TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("auth_sessions", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.create_index("ix_auth_sessions_absolute_expires_at", "auth_sessions", ["absolute_expires_at"])
    op.execute(DELETE_DEAD_SESSIONS)
    delete_across_tenants("delete_dead_sessions(integer)", "auth_sessions")


# How dead they must be stands in here, so that no caller can delete a living one. A session that ended
# 30 days ago is also past its 30 days in all, which never change: an index that refreshing need not write.
DELETE_DEAD_SESSIONS = """
CREATE FUNCTION delete_dead_sessions(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE deleted integer;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    DELETE FROM auth_sessions WHERE id IN (
        SELECT s.id FROM auth_sessions s
        WHERE s.absolute_expires_at < now()
          AND least(s.revoked_at, s.idle_expires_at, s.absolute_expires_at) < now() - interval '30 days'
        ORDER BY s.absolute_expires_at LIMIT at_most);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('app.lookup', '', true);
    RETURN deleted;
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION delete_dead_sessions(integer)")
    op.execute("DROP POLICY IF EXISTS upkeep ON auth_sessions")
    op.execute(
        """
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_search') THEN
                REVOKE DELETE ON auth_sessions FROM app_search;
            END IF;
        END $$
        """
    )
    op.drop_index("ix_auth_sessions_absolute_expires_at", "auth_sessions")
    op.drop_column("auth_sessions", "parent_id")
