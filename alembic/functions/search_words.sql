-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_words(wanted jsonb)
 RETURNS TABLE(configuration text, words tsquery)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    terms text[] := ARRAY(SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'terms') t);
    without text[] := ARRAY(SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'without') t);
    reading regconfig;
    term text;
    found tsquery;
BEGIN
    FOREACH configuration IN ARRAY ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish'] LOOP
        reading := ('pg_catalog.' || configuration)::regconfig;
        words := ''::tsquery;
        FOREACH term IN ARRAY terms LOOP
            words := words && phraseto_tsquery(reading, term);
        END LOOP;
        CONTINUE WHEN numnode(words) = 0 AND cardinality(terms) > 0;
        FOREACH term IN ARRAY without LOOP
            found := phraseto_tsquery(reading, term);
            words := words && CASE WHEN numnode(found) > 0 THEN !!found ELSE ''::tsquery END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $function$;
