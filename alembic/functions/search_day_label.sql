-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_day_label(reader uuid, day date)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT 'on:' || reader::text || ':' || (day - date '2000-01-01')::text $function$;
