-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.shelves_to_fold(at_most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT t.organization_id FROM shelf_tallies t WHERE NOT t.folded
        GROUP BY t.organization_id ORDER BY count(*) DESC LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
