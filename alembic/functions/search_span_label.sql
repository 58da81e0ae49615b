-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_span_label(reader uuid, day date, days integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT 'on:' || reader::text || ':' || days::text || ':' || ((day - date '0001-01-01') / days)::text $function$;
