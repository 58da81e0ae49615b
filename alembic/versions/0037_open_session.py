"""A login that nothing speaks against is one statement: what counts is the round trips."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# With the caller's rights, row-level security included. It finds no row, and changes nothing, unless the
# account is as it was when its password was compared, and that was right; no guess at it is counted for
# these clients; it has no second factor; and its owner belongs somewhere. Why not, the caller then asks under
# locks. The tallies are looked at first: where it comes to nothing, for a wrong password, a locked account or
# one that is none, no row is locked, as a lock is written to the log and waits for the disk. They are looked
# at again under the account's lock, which whoever counts a guess holds.
OPEN = """
CREATE FUNCTION open_plain_session(
    proved boolean, account uuid, compared text, staff_role text, must_be_verified boolean, clients text[],
    session uuid, device uuid, scopes_of jsonb,
    since timestamptz, idle_until timestamptz, ends timestamptz,
    client inet, agent text, entry uuid, request text)
RETURNS TABLE (organization_id uuid, membership_role text, plan text, scopes text[])
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    second_factor_since timestamptz;
BEGIN
    PERFORM set_config('app.organization_id', '', true), set_config('app.user_id', account::text, true);
    IF EXISTS (SELECT FROM login_tallies t WHERE t.account_id = account AND t.client = ANY (clients))
        OR NOT proved
    THEN
        RETURN;
    END IF;
    PERFORM FROM users u
    WHERE u.id = account AND u.hashed_password = compared AND u.role = staff_role
        AND u.is_active AND (u.is_verified OR NOT must_be_verified)
    FOR UPDATE;
    IF NOT FOUND
        OR EXISTS (SELECT FROM login_tallies t WHERE t.account_id = account AND t.client = ANY (clients))
    THEN
        RETURN;
    END IF;
    SELECT f.confirmed_at INTO second_factor_since FROM second_factors f WHERE f.user_id = account FOR UPDATE;
    IF second_factor_since IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT m.organization_id, m.role, o.plan INTO organization_id, membership_role, plan
    FROM memberships m JOIN organizations o ON o.id = m.organization_id
    WHERE m.user_id = account AND o.suspended_at IS NULL AND o.erase_after IS NULL
    ORDER BY m.created_at, m.organization_id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    scopes := ARRAY(SELECT jsonb_array_elements_text(scopes_of -> membership_role));
    PERFORM set_config('app.organization_id', organization_id::text, true);
    UPDATE users u SET last_login = now(), updated_at = now() WHERE u.id = account;
    INSERT INTO auth_sessions (id, organization_id, user_id, counter, scopes, amr,
        authenticated_at, idle_expires_at, absolute_expires_at, ip, user_agent, device_id)
    VALUES (session, organization_id, account, 0, scopes, ARRAY['pwd'],
        since, idle_until, ends, client, agent, device);
    INSERT INTO audit_entries (id, organization_id, action, actor_kind, actor_id, credential_id, subject_id,
        target_kind, target_id, address, request_id, details)
    VALUES (entry, organization_id, 'login_success', 'user', account, session, account,
        'session', session, client, request, jsonb_build_object('amr', 'pwd'));
    RETURN NEXT;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(OPEN)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION open_plain_session(boolean, uuid, text, text, boolean, text[], uuid, uuid, jsonb,"
        " timestamptz, timestamptz, timestamptz, inet, text, uuid, text)"
    )
