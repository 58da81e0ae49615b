-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.ranked_at_most()
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$SELECT 500$function$;
