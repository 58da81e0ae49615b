-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.loose_search_query(query tsquery, wanted jsonb, tenant uuid, viewer uuid, OUT loose tsquery, OUT exact boolean)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    reading record;
    readings tsquery := ''::tsquery;
    ways integer := 0;
    languages integer := 0;
BEGIN
    loose := query;
    exact := true;
    IF jsonb_array_length(wanted->'terms') = 0 OR jsonb_array_length(wanted->'without') > 0 THEN
        RETURN;
    END IF;
    FOR reading IN SELECT w.words, count(*) AS many FROM search_words(wanted) w GROUP BY w.words LOOP
        readings := readings || reading.words;
        ways := ways + 1;
        languages := languages + reading.many;
    END LOOP;
    loose := search_query(wanted || '{"terms": []}', tenant, viewer) && readings;
    exact := ways = 1 AND languages = cardinality(ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish']);
END $function$;
