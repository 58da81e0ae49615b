-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.my_audit_entries(after uuid, at_most integer)
 RETURNS TABLE(id uuid, organization_id uuid, action text, actor_kind text, was_me boolean, target_kind text, target_id uuid, address inet, request_id text, details jsonb, created_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE me uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT e.id, e.organization_id, e.action, e.actor_kind, e.actor_id IS NOT DISTINCT FROM me,
        e.target_kind, e.target_id, CASE WHEN e.actor_id = me THEN e.address END, e.request_id, e.details,
        e.created_at
    FROM audit_entries e
    WHERE me IS NOT NULL AND (e.actor_id = me OR e.subject_id = me) AND e.id > after
    ORDER BY e.id LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $function$;
