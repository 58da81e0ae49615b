-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.rotate_session(session uuid, spent integer, idle_lifetime interval, idempotency_hash bytea, entry uuid, client inet, request text)
 RETURNS TABLE(organization_id uuid, user_id uuid, counter integer, scopes text[], amr text[], authenticated_at timestamp with time zone, is_active boolean, staff_role text, membership_role text, plan text)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;
