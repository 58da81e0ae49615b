-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_readings(terms jsonb, configurations text[], at_most integer)
 RETURNS TABLE(configuration text, words regconfig, lexemes text[], query tsquery)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 3
AS $function$
    WITH named AS (
        SELECT DISTINCT name, ('pg_catalog.' || name)::regconfig AS words FROM unnest(configurations) name
    ), asked AS MATERIALIZED (
        SELECT n.name, n.words, ARRAY(SELECT l FROM search_lexemes(n.words, terms, at_most) l) AS lexemes
        FROM named n
    )
    SELECT a.name, a.words, a.lexemes, search_any(a.lexemes) FROM asked a
$function$;
