-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_backlog()
 RETURNS TABLE(unsealed bigint, oldest timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT count(*), (
            SELECT e.created_at FROM audit_unsealed u JOIN audit_entries e ON e.id = u.entry_id
            ORDER BY u.entry_id LIMIT 1)
        FROM audit_unsealed
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
