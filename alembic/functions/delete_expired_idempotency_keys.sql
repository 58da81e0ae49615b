-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.delete_expired_idempotency_keys(at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE deleted integer;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    DELETE FROM idempotency_keys WHERE (organization_id, principal_id, route, key_digest) IN (
        SELECT organization_id, principal_id, route, key_digest FROM idempotency_keys
        WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT at_most);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('app.lookup', '', true);
    RETURN deleted;
END $function$;
