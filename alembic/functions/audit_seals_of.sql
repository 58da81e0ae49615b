-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_seals_of(of_chain uuid, after bigint, at_most integer)
 RETURNS TABLE(seq bigint, entry_id uuid, prev_hash bytea, hash bytea, mac bytea, fields text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT s.seq, s.entry_id, s.prev_hash, s.hash, s.mac,
            CASE WHEN e.id IS NOT NULL THEN audit_fields(e) END
        FROM audit_seals s LEFT JOIN audit_entries e ON e.id = s.entry_id
        WHERE s.organization_id = of_chain AND s.seq > after ORDER BY s.seq LIMIT at_most
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
