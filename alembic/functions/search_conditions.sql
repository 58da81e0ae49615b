-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_conditions(query tsquery, wanted jsonb, tenant uuid, viewer uuid, OUT readable tsquery, OUT content tsquery, OUT exact boolean)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    has_terms boolean := jsonb_array_length(wanted->'terms') > 0;
    is_narrowed boolean := jsonb_array_length(wanted->'without') > 0;
    labels tsquery := ''::tsquery;
    readings tsquery := ''::tsquery;
    label text;
    reading record;
    ways integer := 0;
    languages integer := 0;
BEGIN
    FOR label IN SELECT jsonb_array_elements_text(wanted->'labels') LOOP
        labels := labels && search_label(label);
    END LOOP;
    IF has_terms OR is_narrowed THEN
        FOR reading IN SELECT w.words, count(*) AS many FROM search_words(wanted) w GROUP BY w.words LOOP
            readings := readings || reading.words;
            ways := ways + 1;
            languages := languages + reading.many;
        END LOOP;
    END IF;
    exact := ways = 0 OR (ways = 1 AND languages = cardinality(ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish']));
    IF is_narrowed AND NOT exact THEN
        readable := query;
        exact := true;
        content := (search_conditions(query, wanted || '{"without": []}', tenant, viewer)).content;
        RETURN;
    END IF;
    readable := search_query(wanted || '{"terms": [], "without": [], "labels": []}', tenant, viewer);
    IF NOT has_terms THEN
        readable := readable && readings;
        readings := ''::tsquery;
    END IF;
    content := nullif(labels && readings, ''::tsquery);
END $function$;
