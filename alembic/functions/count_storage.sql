-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.count_storage()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
    DECLARE
        before bigint := 0;
        after bigint := 0;
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            before := coalesce(octet_length(OLD.input), 0) + coalesce(octet_length(OLD.text), 0) + coalesce(octet_length(OLD.document), 0);
        END IF;
        IF TG_OP = 'DELETE' THEN
            UPDATE usage_storage SET text_bytes = text_bytes - before
            WHERE organization_id = OLD.organization_id;
            RETURN OLD;
        END IF;
        after := coalesce(octet_length(NEW.input), 0) + coalesce(octet_length(NEW.text), 0) + coalesce(octet_length(NEW.document), 0);
        IF after <> before THEN
            INSERT INTO usage_storage VALUES (NEW.organization_id, after - before)
            ON CONFLICT (organization_id) DO UPDATE
            SET text_bytes = usage_storage.text_bytes + after - before;
        END IF;
        RETURN NEW;
    END $function$;
