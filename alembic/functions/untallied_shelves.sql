-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.untallied_shelves(at_most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT o.id FROM organizations o WHERE NOT o.shelf_tallied UNION SELECT t.organization_id FROM shelf_tallies t WHERE t.outcome IS NULL ORDER BY 1 LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
