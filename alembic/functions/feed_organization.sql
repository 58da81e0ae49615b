-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.feed_organization(secret_digest bytea)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    DECLARE found_id uuid;
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        SELECT organization_id INTO found_id FROM summary_feeds WHERE digest = secret_digest;
        PERFORM set_config('app.lookup', '', true);
        RETURN found_id;
    END $function$;
