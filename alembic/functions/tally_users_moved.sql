-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_users_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ DECLARE was text := CASE WHEN OLD.username <> '[erased]' THEN OLD.role || '/' || CASE WHEN OLD.is_active THEN 'active' ELSE 'inactive' END END; becomes text := CASE WHEN NEW.username <> '[erased]' THEN NEW.role || '/' || CASE WHEN NEW.is_active THEN 'active' ELSE 'inactive' END END; today text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'); BEGIN IF was IS DISTINCT FROM becomes THEN INSERT INTO tally_moves VALUES ('users', was, becomes, 1); END IF;  RETURN NULL; END $function$;
