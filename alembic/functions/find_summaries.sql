-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.find_summaries(wanted jsonb, sorted text, after_time timestamp with time zone, after_rank integer, after_id uuid, at_most integer)
 RETURNS TABLE(summary_id uuid, rank integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER ROWS 20
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    tenant uuid := nullif(current_setting('app.organization_id', true), '');
    viewer uuid := nullif(current_setting('app.user_id', true), '');
    query tsquery := search_query(wanted, tenant, viewer);
BEGIN
    PERFORM set_config('app.lookup', 'on', true);

    IF sorted <> 'relevance' THEN
        RETURN QUERY SELECT m, 0 FROM matching_summaries(
            query, wanted, tenant, viewer, sorted, after_time, after_id, at_most) m;
    ELSE
        RETURN QUERY 
        WITH newest AS MATERIALIZED (
            SELECT s.id, s.search, search_configuration(s.language) AS configuration
            FROM matching_summaries(
                query, wanted, tenant, viewer, '-created_at', NULL, NULL, ranked_at_most()) m
            JOIN summaries s ON s.id = m
        ), ranked AS (
            SELECT n.id, coalesce((ts_rank(n.search, r.query, 1) * 1000000)::integer, 0) AS rank
            FROM newest n JOIN search_readings(
                wanted->'terms', (SELECT array_agg(configuration) FROM newest), 10) r USING (configuration)
        )
        SELECT r.id, r.rank FROM ranked r
        WHERE after_rank::integer IS NULL OR (r.rank, r.id) < (after_rank, after_id)
        ORDER BY r.rank DESC, r.id DESC LIMIT at_most
;
    END IF;
    PERFORM set_config('app.lookup', '', true);
END $function$;
