-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.take_up_summary(tenant uuid, wanted uuid)
 RETURNS SETOF summaries
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', '', true);
    RETURN QUERY
    UPDATE summaries s
    SET attempt = s.attempt + 1,
        status = CASE WHEN s.pending->>'kind' = 'regenerate' THEN 'summarising'
            WHEN s.source = 'url' THEN 'fetching' ELSE 'extracting' END,
        stages = jsonb_build_object('queued', (extract(epoch FROM now() - s.updated_at) * 1000)::integer),
        version = s.version + 1, updated_at = now()
    WHERE s.organization_id = tenant AND s.id = wanted
        AND s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL
    RETURNING s.*;
END $function$;
