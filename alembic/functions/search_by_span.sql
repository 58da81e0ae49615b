-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_by_span(search tsvector, organization_id uuid, user_id uuid, visibility text, created_at timestamp with time zone)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT search || array_to_tsvector(ARRAY['=' || public.search_span_label(CASE WHEN visibility = 'organization' THEN organization_id ELSE user_id END, public.search_day(created_at), 1), '=' || public.search_span_label(CASE WHEN visibility = 'organization' THEN organization_id ELSE user_id END, public.search_day(created_at), 32)]) $function$;
