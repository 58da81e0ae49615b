-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.move_audit_heads(chains uuid[], seqs bigint[], hashes bytea[], checkpoints bigint[], macs bytea[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        INSERT INTO audit_heads (organization_id, seq, hash, checkpointed, mac)
        SELECT * FROM unnest(chains, seqs, hashes, checkpoints, macs)
        ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
            checkpointed = excluded.checkpointed, mac = excluded.mac
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
