-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_by_day(search tsvector, organization_id uuid, user_id uuid, visibility text, created_at timestamp with time zone)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT search || array_to_tsvector(ARRAY['=' || public.search_day_label(
        CASE WHEN visibility = 'organization' THEN organization_id ELSE user_id END,
        public.search_day(created_at))])
$function$;
