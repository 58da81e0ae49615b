-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.audit_chains()
 RETURNS TABLE(chain uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT h.organization_id FROM audit_heads h
        UNION SELECT s.organization_id FROM audit_seals s
        UNION SELECT k.organization_id FROM audit_checkpoints k
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
