-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.open_plain_session(proved boolean, account uuid, compared text, staff_role text, must_be_verified boolean, clients text[], session uuid, device uuid, scopes_of jsonb, since timestamp with time zone, idle_until timestamp with time zone, ends timestamp with time zone, client inet, agent text, entry uuid, request text)
 RETURNS TABLE(organization_id uuid, membership_role text, plan text, scopes text[])
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;
