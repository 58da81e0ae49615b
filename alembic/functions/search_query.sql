-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_query(wanted jsonb, tenant uuid, viewer uuid)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    asked tsquery := search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer);
    readings tsquery := ''::tsquery;
    reading record;
BEGIN
    FOR reading IN SELECT label FROM jsonb_array_elements_text(wanted->'labels') label LOOP
        asked := asked && search_label(reading.label);
    END LOOP;
    FOR reading IN SELECT label FROM jsonb_array_elements_text(wanted->'without_labels') label LOOP
        asked := asked && !!search_label(reading.label);
    END LOOP;
    IF jsonb_array_length(wanted->'terms') + jsonb_array_length(wanted->'without') = 0 THEN
        RETURN asked;
    END IF;
    FOR reading IN SELECT w.words, array_agg(w.configuration) AS configurations
                   FROM search_words(wanted) w GROUP BY w.words LOOP
        readings := readings || (reading.words && (
            SELECT string_agg(search_label('as:' || name)::text, ' | ')::tsquery
            FROM unnest(reading.configurations) name));
    END LOOP;
    RETURN CASE WHEN numnode(readings) > 0 THEN asked && readings END;
END $function$;
