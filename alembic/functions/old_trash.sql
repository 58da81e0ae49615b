-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.old_trash(of_plan text, kept interval, how_many integer)
 RETURNS TABLE(organization_id uuid, summary_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT s.organization_id, s.id FROM summaries s
        JOIN organizations o ON o.id = s.organization_id
        WHERE s.deleted_at < now() - kept AND o.plan = of_plan ORDER BY s.deleted_at LIMIT how_many;
    PERFORM set_config('app.lookup', '', true);
END $function$;
