"""Whoever ends sessions of theirs ends what they opened in others' names, whichever tenant that is of."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

# Whose they are stands in here, so that nobody can end another's. It deletes by the right, or where one role
# owns and serves by the policy, that delete_dead_sessions was given (0006).
END = """
CREATE FUNCTION end_own_impersonations() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY DELETE FROM auth_sessions s
        WHERE s.impersonator_id = nullif(current_setting('app.user_id', true), '')::uuid
        RETURNING s.id;
    PERFORM set_config('app.lookup', '', true);
END $$
"""
OWN = """
DO $$ BEGIN
    REVOKE ALL ON FUNCTION end_own_impersonations() FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
        GRANT EXECUTE ON FUNCTION end_own_impersonations() TO app_rw;
        ALTER FUNCTION end_own_impersonations() OWNER TO app_search;
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(END)
    op.execute(OWN)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION end_own_impersonations()")
