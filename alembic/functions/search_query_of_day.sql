-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_query_of_day(query tsquery, tenant uuid, viewer uuid, day date)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT ts_rewrite(
        query,
        search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer),
        search_label(search_day_label(tenant, day)) || search_label(search_day_label(viewer, day)))
$function$;
