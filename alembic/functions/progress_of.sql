-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.progress_of(organizations uuid[], summaries_of uuid[])
 RETURNS TABLE(organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer, version integer, stages jsonb, failure_reason text, deleted_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version, s.stages, s.failure_reason, s.deleted_at FROM unnest(organizations, summaries_of) AS wanted(organization, summary)
        JOIN summaries s ON s.organization_id = wanted.organization AND s.id = wanted.summary;
    PERFORM set_config('app.lookup', '', true);
END $function$;
