-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.staff_organizations(pattern text, of_plan text, is_suspended boolean, before_id uuid, at_most integer)
 RETURNS SETOF organizations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY EXECUTE 'SELECT * FROM organizations o WHERE ($1 IS NULL OR lower(o.name) LIKE $1)'
        ' AND ($2 IS NULL OR o.plan = $2) AND ($3 IS NULL OR (o.suspended_at IS NOT NULL) = $3)'
        ' AND ($4 IS NULL OR o.id < $4) ORDER BY o.id DESC LIMIT least($5, 101)'
    USING pattern, of_plan, is_suspended, before_id, at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
