-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_lexemes(words regconfig, terms jsonb, at_most integer)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
    SELECT lexeme FROM unnest(to_tsvector(words, searchable(
        (SELECT string_agg(term, E'\n' ORDER BY place)
         FROM jsonb_array_elements_text(terms) WITH ORDINALITY AS asked (term, place)))))
    ORDER BY positions[1], lexeme LIMIT at_most
$function$;
