-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_summaries_removed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ BEGIN INSERT INTO tally_moves SELECT 'summaries', CASE WHEN r.deleted_at IS NULL THEN r.status ELSE 'trashed' END, NULL, count(*) FROM changed r WHERE CASE WHEN r.deleted_at IS NULL THEN r.status ELSE 'trashed' END IS NOT NULL GROUP BY CASE WHEN r.deleted_at IS NULL THEN r.status ELSE 'trashed' END; RETURN NULL; END $function$;
