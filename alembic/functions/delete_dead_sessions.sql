-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.delete_dead_sessions(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;
