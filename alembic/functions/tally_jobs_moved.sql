-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_jobs_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ DECLARE was text := CASE WHEN OLD.status IN ('todo', 'doing', 'failed') THEN OLD.status::text END; becomes text := CASE WHEN NEW.status IN ('todo', 'doing', 'failed') THEN NEW.status::text END; today text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'); BEGIN IF was IS DISTINCT FROM becomes THEN INSERT INTO tally_moves VALUES ('jobs', was, becomes, 1); END IF; 
        IF NEW.status = 'failed' AND OLD.status <> 'failed' THEN
            INSERT INTO tally_moves VALUES ('failures', NULL, today || '/job/' || NEW.task_name, 1);
        END IF; RETURN NULL; END $function$;
