-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_summaries_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ DECLARE was text := CASE WHEN OLD.deleted_at IS NULL THEN OLD.status ELSE 'trashed' END; becomes text := CASE WHEN NEW.deleted_at IS NULL THEN NEW.status ELSE 'trashed' END; today text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'); BEGIN IF was IS DISTINCT FROM becomes THEN INSERT INTO tally_moves VALUES ('summaries', was, becomes, 1); END IF; 
        IF NEW.status = 'failed' AND OLD.status <> 'failed'
           AND NEW.failure_reason IS DISTINCT FROM 'cancelled' THEN
            INSERT INTO tally_moves VALUES
                ('failures', NULL, today || '/summary/' || coalesce(NEW.failure_reason, 'internal'), 1);
        END IF; RETURN NULL; END $function$;
