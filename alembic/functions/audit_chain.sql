-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.audit_chain(organization_id uuid)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)
$function$;
