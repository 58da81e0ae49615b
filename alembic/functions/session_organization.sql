-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.session_organization(session_id uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE found_id uuid;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    SELECT organization_id INTO found_id FROM auth_sessions WHERE id = session_id;
    PERFORM set_config('app.lookup', '', true);
    RETURN found_id;
END $function$;
