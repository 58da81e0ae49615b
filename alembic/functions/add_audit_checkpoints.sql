-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.add_audit_checkpoints(chains uuid[], seqs bigint[], previous bigint[], hashes bytea[], macs bytea[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        INSERT INTO audit_checkpoints (organization_id, seq, previous, hash, mac)
        SELECT * FROM unnest(chains, seqs, previous, hashes, macs)
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
