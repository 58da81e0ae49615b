-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.webhook_leftovers(kept interval, how_many integer)
 RETURNS TABLE(organization_id uuid, webhook_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT w.organization_id, w.id FROM webhooks w
        WHERE w.deleted_at IS NOT NULL
           OR EXISTS (SELECT FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
                      AND d.webhook_id = w.id AND d.created_at < now() - kept)
        LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $function$;
