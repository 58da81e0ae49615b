-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.platform_audit_entries(of_action text, of_actor uuid, of_subject uuid, since timestamp with time zone, until timestamp with time zone, behind uuid, oldest_first boolean, at_most integer)
 RETURNS SETOF audit_entries
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY EXECUTE 'SELECT * FROM audit_entries e WHERE e.organization_id IS NULL'
        ' AND ($1 IS NULL OR e.action = $1) AND ($2 IS NULL OR e.actor_id = $2)'
        ' AND ($3 IS NULL OR e.subject_id = $3) AND ($4 IS NULL OR e.created_at >= $4)'
        ' AND ($5 IS NULL OR e.created_at < $5) AND ($6 IS NULL OR e.id '
        || CASE WHEN oldest_first THEN '> $6) ORDER BY e.id' ELSE '< $6) ORDER BY e.id DESC' END
        || ' LIMIT least($7, 500)'
    USING of_action, of_actor, of_subject, since, until, behind, at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
