-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.end_own_impersonations()
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY DELETE FROM auth_sessions s
        WHERE s.impersonator_id = nullif(current_setting('app.user_id', true), '')::uuid
        RETURNING s.id;
    PERFORM set_config('app.lookup', '', true);
END $function$;
