-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_organizations_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$ DECLARE was text := OLD.plan || '/' || CASE WHEN OLD.erase_after IS NOT NULL THEN 'deleted' WHEN OLD.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END; becomes text := NEW.plan || '/' || CASE WHEN NEW.erase_after IS NOT NULL THEN 'deleted' WHEN NEW.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END; today text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'); BEGIN IF was IS DISTINCT FROM becomes THEN INSERT INTO tally_moves VALUES ('organizations', was, becomes, 1); END IF;  RETURN NULL; END $function$;
