"""A refresh is one statement: what counts is the round trips."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# With the caller's rights, row-level security included. It finds no row, and changes nothing, unless `spent`
# is the number of the current token of a living session; why not, the caller then asks under a lock.
# First it locks: who was waited for may have ended the session, or its owner; and the clock is read after
# that, or a caller who waited would be noted as older than those that came meanwhile.
ROTATE = """
CREATE FUNCTION rotate_session(
    session uuid, spent integer, idle_lifetime interval, idempotency_hash bytea,
    entry uuid, client inet, request text)
RETURNS TABLE (
    organization_id uuid, user_id uuid, counter integer, scopes text[], amr text[],
    authenticated_at timestamptz,
    is_active boolean, staff_role text, membership_role text, plan text)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant constant uuid := session_organization(session);
BEGIN
    PERFORM set_config('app.organization_id', coalesce(tenant::text, ''), true),
        set_config('app.user_id', '', true);
    PERFORM FROM auth_sessions s WHERE s.organization_id = tenant AND s.id = session FOR UPDATE;
    UPDATE auth_sessions s
    SET counter = s.counter + 1, rotated_at = clock_timestamp(), prev_idem_hash = idempotency_hash,
        idle_expires_at = least(clock_timestamp() + idle_lifetime, s.absolute_expires_at)
    FROM memberships m, users u, organizations o
    WHERE s.organization_id = tenant AND s.id = session AND s.counter = spent
        AND s.revoked_at IS NULL AND s.impersonator_id IS NULL
        AND least(s.idle_expires_at, s.absolute_expires_at) > clock_timestamp()
        AND m.organization_id = tenant AND m.user_id = s.user_id
        AND u.id = s.user_id AND u.is_active
        AND o.id = tenant AND o.suspended_at IS NULL AND o.erase_after IS NULL
    RETURNING s.organization_id, s.user_id, s.counter, s.scopes, s.amr, s.authenticated_at,
        u.is_active, u.role, m.role, o.plan
    INTO organization_id, user_id, counter, scopes, amr, authenticated_at,
        is_active, staff_role, membership_role, plan;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO audit_entries (id, organization_id, action, actor_kind, actor_id, credential_id, subject_id,
        target_kind, target_id, address, request_id, details)
    VALUES (entry, tenant, 'token_refresh', 'user', user_id, session, user_id,
        'session', session, client, request,
        jsonb_build_object('counter', counter, 'verdict', 'rotate'));
    RETURN NEXT;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ROTATE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION rotate_session(uuid, integer, interval, bytea, uuid, inet, text)")
