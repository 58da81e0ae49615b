-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.uncollected_summaries(kept interval, how_many integer)
 RETURNS TABLE(organization_id uuid, summary_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
        WHERE s.ephemeral AND s.created_at < now() - kept ORDER BY s.created_at LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $function$;
