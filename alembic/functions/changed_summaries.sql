-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.changed_summaries(organizations uuid[], since timestamp with time zone, how_many integer)
 RETURNS TABLE(organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer, version integer, stages jsonb, failure_reason text, deleted_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT found.* FROM unnest(organizations) AS wanted(organization)
        CROSS JOIN LATERAL (
            SELECT s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version, s.stages, s.failure_reason, s.deleted_at FROM summaries s
            WHERE s.organization_id = wanted.organization AND s.updated_at >= since
            ORDER BY s.updated_at DESC LIMIT how_many
        ) AS found;
    PERFORM set_config('app.lookup', '', true);
END $function$;
