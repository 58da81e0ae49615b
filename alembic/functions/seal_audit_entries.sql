-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.seal_audit_entries(chains uuid[], seqs bigint[], entries uuid[], prev_hashes bytea[], hashes bytea[], macs bytea[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        INSERT INTO audit_seals (organization_id, seq, entry_id, prev_hash, hash, mac)
        SELECT * FROM unnest(chains, seqs, entries, prev_hashes, hashes, macs);
        DELETE FROM audit_unsealed WHERE entry_id = ANY (entries)
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
