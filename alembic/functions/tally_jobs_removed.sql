-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_jobs_removed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ BEGIN INSERT INTO tally_moves SELECT 'jobs', CASE WHEN r.status IN ('todo', 'doing', 'failed') THEN r.status::text END, NULL, count(*) FROM changed r WHERE CASE WHEN r.status IN ('todo', 'doing', 'failed') THEN r.status::text END IS NOT NULL GROUP BY CASE WHEN r.status IN ('todo', 'doing', 'failed') THEN r.status::text END; RETURN NULL; END $function$;
