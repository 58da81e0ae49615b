-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_query_of_span(query tsquery, tenant uuid, viewer uuid, day date, days integer)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
    SELECT ts_rewrite(
        query,
        search_label('in:' || tenant) || search_label('in:' || tenant || ':' || viewer),
        search_label(search_span_label(tenant, day, days))
            || search_label(search_span_label(viewer, day, days)))
$function$;
