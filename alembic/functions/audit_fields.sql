-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.audit_fields(e audit_entries)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
    SELECT ARRAY[e.id::text, e.organization_id::text, e.action, e.actor_kind, e.actor_id::text,
                 e.credential_id::text, e.subject_id::text, e.target_kind, e.target_id::text, e.address::text,
                 e.request_id, e.details::text, extract(epoch FROM e.created_at)::text]
$function$;
