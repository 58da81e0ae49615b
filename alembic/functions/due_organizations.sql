-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.due_organizations(how_many integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT id FROM organizations WHERE erase_after <= now() ORDER BY erase_after LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $function$;
