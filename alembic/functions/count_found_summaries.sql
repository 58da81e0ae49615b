-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.count_found_summaries(wanted jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    tenant uuid := nullif(current_setting('app.organization_id', true), '');
    viewer uuid := nullif(current_setting('app.user_id', true), '');
    query tsquery := search_query(wanted, tenant, viewer);
    found bigint;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    found := count_matching_summaries(query, wanted, tenant, viewer);
    PERFORM set_config('app.lookup', '', true);
    RETURN found;
END $function$;
