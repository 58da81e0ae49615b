-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.rotate_sessions(sessions uuid[], spent integer[], idle_lifetime interval, hashes bytea[], entries uuid[], clients inet[], requests text[], patience integer)
 RETURNS TABLE(place integer, organization_id uuid, user_id uuid, counter integer, scopes text[], amr text[], authenticated_at timestamp with time zone, is_active boolean, staff_role text, membership_role text, plan text)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;
