-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.count_version_storage()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE usage_storage SET text_bytes = text_bytes - octet_length(OLD.text)
        WHERE organization_id = OLD.organization_id AND OLD.text IS NOT NULL;
        RETURN OLD;
    END IF;
    IF NEW.text IS NOT NULL THEN
        INSERT INTO usage_storage VALUES (NEW.organization_id, octet_length(NEW.text))
        ON CONFLICT (organization_id) DO UPDATE
        SET text_bytes = usage_storage.text_bytes + octet_length(NEW.text);
    END IF;
    RETURN NEW;
END $function$;
