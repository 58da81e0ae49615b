-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_users_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ BEGIN INSERT INTO tally_moves SELECT 'users', NULL, CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END, count(*) FROM changed r WHERE CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END IS NOT NULL GROUP BY CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END; RETURN NULL; END $function$;
