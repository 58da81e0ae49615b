-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.my_authored_organizations()
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE me uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT DISTINCT s.organization_id FROM summaries s WHERE s.user_id = me;
    PERFORM set_config('app.lookup', '', true);
END $function$;
