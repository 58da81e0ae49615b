-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.unsealed_audit_entries(at_most integer, passing_over uuid[])
 RETURNS TABLE(chain uuid, entry_id uuid, fields text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT audit_chain(e.organization_id), e.id, audit_fields(e)
        FROM audit_unsealed u JOIN audit_entries e ON e.id = u.entry_id
        WHERE audit_chain(e.organization_id) <> ALL (passing_over)
          AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = u.entry_id)
        ORDER BY u.entry_id LIMIT at_most
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
