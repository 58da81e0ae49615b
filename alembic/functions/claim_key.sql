-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.claim_key(tenant uuid, person uuid, principal uuid, path text, digest bytea, lock bigint)
 RETURNS TABLE(is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', person::text, true);
    is_locked := pg_try_advisory_xact_lock(lock);
    SELECT k.fingerprint, k.answer, k.created_at INTO fingerprint, answer, kept_at FROM idempotency_keys k
    WHERE k.organization_id = tenant AND k.principal_id = principal AND k.route = path
      AND k.key_digest = digest AND k.created_at > now() - interval '24 hours';
    RETURN NEXT;
END $function$;
