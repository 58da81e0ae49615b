-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.unfinished_summaries(idle interval, at_most integer)
 RETURNS TABLE(organization_id uuid, summary_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
    WHERE s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL AND s.updated_at < now() - idle
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs j
          WHERE j.args->>'summary_id' = s.id::text AND j.status IN ('todo', 'doing'))
    ORDER BY s.updated_at LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
