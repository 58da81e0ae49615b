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
        WITH ranking AS MATERIALIZED (
            SELECT configuration, search_any(ARRAY(
                SELECT search_lexemes(('pg_catalog.' || configuration)::regconfig, wanted->'terms', 10))) AS words
            FROM unnest(ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian', 'serbian', 'simple', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish']) configuration)
        SELECT r.id, r.rank FROM (
            SELECT c.id, coalesce((ts_rank(c.search, w.words, 1) * 1000000)::integer, 0) AS rank
            FROM (SELECT s.id, s.search, s.language FROM matching_summaries(query, wanted, tenant, viewer, '-created_at', NULL, NULL, ranked_at_most()) m JOIN summaries s ON s.id = m) c
            JOIN ranking w ON w.configuration = search_configuration(c.language)) r
        WHERE after_rank::integer IS NULL OR (r.rank, r.id) < (after_rank, after_id)
        ORDER BY r.rank DESC, r.id DESC LIMIT at_most
;
    END IF;
    PERFORM set_config('app.lookup', '', true);
END $function$;
