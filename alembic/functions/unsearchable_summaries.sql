-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.unsearchable_summaries(at_most integer)
 RETURNS TABLE(organization_id uuid, summary_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s WHERE s.search IS NULL
        ORDER BY s.id LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
