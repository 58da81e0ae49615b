-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_label(label text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT ('''=' || replace(replace(label, '\', '\\'), '''', '''''') || '''')::tsquery $function$;
