-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_entries_after(last uuid, at_most integer)
 RETURNS TABLE(chain uuid, entry_id uuid, sealed boolean, queued boolean, opens uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT audit_chain(e.organization_id), e.id,
            EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id),
            EXISTS (SELECT FROM audit_unsealed u WHERE u.entry_id = e.id),
            CASE WHEN e.organization_id IS NULL AND e.action = 'audit_chain_opened' THEN e.target_id END
        FROM audit_entries e WHERE e.id > last ORDER BY e.id LIMIT at_most
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
