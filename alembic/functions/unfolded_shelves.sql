-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.unfolded_shelves(at_most integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 SET search_path TO 'public', 'pg_temp'
AS $function$ SELECT NULL::uuid WHERE false $function$;
