-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.moved_audit_chains(quiet interval)
 RETURNS TABLE(chain uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        
        RETURN QUERY SELECT h.organization_id FROM audit_heads h
        WHERE h.checkpointed < h.seq
          AND NOT EXISTS (SELECT FROM audit_checkpoints k WHERE k.created_at > now() - quiet)
    ;
        PERFORM set_config('app.lookup', '', true);
    END $function$;
