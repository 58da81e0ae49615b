-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_checkpoints_of(of_chain uuid)
 RETURNS TABLE(seq bigint, previous bigint, hash bytea, mac bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT k.seq, k.previous, k.hash, k.mac FROM audit_checkpoints k
        WHERE k.organization_id = of_chain ORDER BY k.seq
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
