"""What is refreshed in one moment is rotated by one statement, as submissions are taken in (0048).

The function of 0034 does each of them, and stays for processes of the former release too.
"""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

# Sessions of tenants that may all be different: each is named before its own row is touched, and where it is
# not rotated it has no row in the answer. All are locked before the first is rotated, for what is noted as
# the time of that must not be long before the commit: until then its client cannot know. In one order
# everywhere, so that nobody waits in a circle. `patience` as in 0048.
ROTATE = """
CREATE FUNCTION rotate_sessions(
    sessions uuid[], spent integer[], idle_lifetime interval, hashes bytea[],
    entries uuid[], clients inet[], requests text[], patience integer)
RETURNS TABLE (
    place integer, organization_id uuid, user_id uuid, counter integer, scopes text[], amr text[],
    authenticated_at timestamptz,
    is_active boolean, staff_role text, membership_role text, plan text)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
DECLARE
    tenant uuid;
BEGIN
    IF patience IS NOT NULL THEN
        FOR place IN SELECT n FROM generate_subscripts(sessions, 1) AS n ORDER BY sessions[n] LOOP
            tenant := session_organization(sessions[place]);
            PERFORM set_config('lock_timeout', left_of_patience(patience), true),
                set_config('app.organization_id', coalesce(tenant::text, ''), true);
            PERFORM FROM auth_sessions s WHERE s.organization_id = tenant AND s.id = sessions[place]
            FOR UPDATE;
        END LOOP;
    END IF;
    FOR place IN SELECT n FROM generate_subscripts(sessions, 1) AS n ORDER BY sessions[n], n LOOP
        RETURN QUERY SELECT place, rotated.* FROM rotate_session(
            sessions[place], spent[place], idle_lifetime, hashes[place],
            entries[place], clients[place], requests[place]) AS rotated;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ROTATE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION rotate_sessions(uuid[], integer[], interval, bytea[], uuid[], inet[], text[], integer)"
    )
