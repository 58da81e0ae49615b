-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.lost_audit_entries()
 RETURNS TABLE(entry_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT u.entry_id FROM audit_unsealed u
        WHERE NOT EXISTS (SELECT FROM audit_entries e WHERE e.id = u.entry_id)
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
