-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_organizations_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ BEGIN INSERT INTO tally_moves SELECT 'organizations', NULL, r.plan || '/' || CASE WHEN r.erase_after IS NOT NULL THEN 'deleted' WHEN r.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END, count(*) FROM changed r WHERE r.plan || '/' || CASE WHEN r.erase_after IS NOT NULL THEN 'deleted' WHEN r.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END IS NOT NULL GROUP BY r.plan || '/' || CASE WHEN r.erase_after IS NOT NULL THEN 'deleted' WHEN r.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END; RETURN NULL; END $function$;
