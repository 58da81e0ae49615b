-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_mark(content text, words regconfig, lexemes text[], query tsquery, options text)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ SELECT ts_headline(words, searchable(search_passage(content, lexemes)), query, options) $function$;
