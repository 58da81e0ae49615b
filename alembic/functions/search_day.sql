-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_day(moment timestamp with time zone)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT (moment AT TIME ZONE 'UTC')::date $function$;
