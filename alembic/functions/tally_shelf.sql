-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.tally_shelf()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL AND NOT OLD.ephemeral THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many)
        SELECT OLD.organization_id, (CASE WHEN OLD.visibility = 'organization' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE OLD.user_id END), OLD.archived_at IS NOT NULL, CASE WHEN OLD.status IN ('ready', 'failed') THEN OLD.status ELSE 'none' END, OLD.favourite, -1 FROM organizations o WHERE o.id = OLD.organization_id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL AND NOT NEW.ephemeral THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many)
        VALUES (NEW.organization_id, (CASE WHEN NEW.visibility = 'organization' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE NEW.user_id END), NEW.archived_at IS NOT NULL, CASE WHEN NEW.status IN ('ready', 'failed') THEN NEW.status ELSE 'none' END, NEW.favourite, 1);
    END IF;
    RETURN NULL;
END $function$;
