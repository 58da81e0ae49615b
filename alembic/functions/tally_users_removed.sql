-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_users_removed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ BEGIN INSERT INTO tally_moves SELECT 'users', CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END, NULL, count(*) FROM changed r WHERE CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END IS NOT NULL GROUP BY CASE WHEN r.username <> '[erased]' THEN r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END; RETURN NULL; END $function$;
