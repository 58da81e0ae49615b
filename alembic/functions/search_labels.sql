-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_labels(reader text, language text, tags text[], host text)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
    labels text[] := ARRAY['=in:' || reader, '=as:' || search_configuration(language)];
    domain text := host;
    tag text;
BEGIN
    IF language IS NOT NULL THEN
        labels := labels || ('=lang:' || lower(language))
            || ('=lang:' || lower(split_part(language, '-', 1)));
    END IF;
    FOREACH tag IN ARRAY tags LOOP
        labels := labels || ('=tag:' || tag);
    END LOOP;
    -- The host, and each domain above it.
    WHILE domain <> '' LOOP
        labels := labels || ('=site:' || domain);
        domain := CASE WHEN strpos(domain, '.') > 0 THEN substr(domain, strpos(domain, '.') + 1) END;
    END LOOP;
    RETURN labels;
END $function$;
