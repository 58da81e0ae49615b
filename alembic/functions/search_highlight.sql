-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_highlight(content text, language text, terms jsonb, options text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    words regconfig := ('pg_catalog.' || search_configuration(language))::regconfig;
    lexemes text[] := ARRAY(SELECT search_lexemes(words, terms, 32));
BEGIN
    IF cardinality(lexemes) = 0 THEN
        RETURN NULL;
    END IF;
    RETURN ts_headline(
        words, searchable(search_passage(content, lexemes)), search_any(lexemes), options);
END $function$;
