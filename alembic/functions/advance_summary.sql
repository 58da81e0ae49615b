-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.advance_summary(tenant uuid, wanted uuid, held integer, stage text, so_far jsonb)
 RETURNS TABLE(organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer, version integer, stages jsonb, failure_reason text, deleted_at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', '', true);
    RETURN QUERY
    UPDATE summaries s
    SET status = stage, stages = so_far, version = s.version + 1, updated_at = now()
    WHERE s.organization_id = tenant AND s.id = wanted AND s.attempt = held
        AND s.status NOT IN ('ready', 'failed')
    RETURNING s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version,
        s.stages, s.failure_reason, s.deleted_at;
END $function$;
