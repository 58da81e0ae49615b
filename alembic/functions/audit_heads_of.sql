-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_heads_of(chains uuid[])
 RETURNS TABLE(chain uuid, seq bigint, hash bytea, checkpointed bigint, mac bytea, newest bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT c.chain, h.seq, h.hash, h.checkpointed, h.mac,
            (SELECT max(s.seq) FROM audit_seals s WHERE s.organization_id = c.chain)
        FROM unnest(chains) AS c(chain) LEFT JOIN audit_heads h ON h.organization_id = c.chain
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
