-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.measure_tenants(plans text[], quotas integer[], in_month date)
 RETURNS TABLE(measure text, name text, many bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY
        WITH used AS MATERIALIZED (
            SELECT o.plan, coalesce(u.summaries, 0)::bigint AS made, p.quota
            FROM organizations o
            LEFT JOIN usage_months u ON u.organization_id = o.id AND u.month = in_month
            LEFT JOIN unnest(plans, quotas) AS p (plan, quota) ON p.plan = o.plan
            WHERE o.erase_after IS NULL
        ), ranked AS (
            SELECT used.made, row_number() OVER (ORDER BY used.made DESC) AS place
            FROM used WHERE used.made > 0
        )
        SELECT 'plan', used.plan, count(*) FROM used GROUP BY used.plan
        UNION ALL
        SELECT 'band', CASE
            WHEN used.quota IS NULL THEN 'unlimited'
            WHEN used.made >= used.quota THEN 'exhausted'
            WHEN used.made * 100 >= used.quota * 80::bigint THEN '80_to_100'
            WHEN used.made * 100 >= used.quota * 50::bigint THEN '50_to_80'
            WHEN used.made > 0 THEN 'under_50'
            ELSE 'none' END AS band, count(*) FROM used GROUP BY band
        UNION ALL
        SELECT 'rank', CASE WHEN ranked.place <= 20 THEN ranked.place::text ELSE 'rest' END AS rank,
            sum(ranked.made)::bigint FROM ranked GROUP BY rank;
    PERFORM set_config('app.lookup', '', true);
END $function$;
