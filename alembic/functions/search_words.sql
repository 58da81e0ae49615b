-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_words(wanted jsonb)
 RETURNS TABLE(configuration text, words tsquery)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    term text;
    found tsquery;
BEGIN
    FOREACH configuration IN ARRAY ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish'] LOOP
        words := ''::tsquery;
        FOR term IN SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'terms') t LOOP
            words := words && phraseto_tsquery(('pg_catalog.' || configuration)::regconfig, term);
        END LOOP;
        CONTINUE WHEN numnode(words) = 0 AND jsonb_array_length(wanted->'terms') > 0;
        FOR term IN SELECT searchable(t) FROM jsonb_array_elements_text(wanted->'without') t LOOP
            found := phraseto_tsquery(('pg_catalog.' || configuration)::regconfig, term);
            words := words && CASE WHEN numnode(found) > 0 THEN !!found ELSE ''::tsquery END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $function$;
