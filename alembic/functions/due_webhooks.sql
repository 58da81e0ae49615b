-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.due_webhooks(how_many integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT DISTINCT w.organization_id FROM webhooks w
        JOIN organizations o ON o.id = w.organization_id
        WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL
          AND (w.resting_until IS NULL OR w.resting_until <= now())
          AND o.suspended_at IS NULL AND o.erase_after IS NULL
          AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id
                      AND d.status = 'pending' AND d.next_attempt_at <= now())
        LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $function$;
