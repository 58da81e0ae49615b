"""How many tenants there are by plan, and by how much of their quota they have used: figures, no names."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

FUNCTION = "measure_tenants(text[], integer[], date)"
# From the counters that each summary keeps anyway, never from the summaries. A plan that is not among `plans`
# has no quota. `rank` counts the largest from 1; whoever made nothing this month has none.
MEASURE_TENANTS = """
CREATE FUNCTION measure_tenants(plans text[], quotas integer[], in_month date)
RETURNS TABLE (measure text, name text, many bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
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
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(MEASURE_TENANTS)
    look_across_tenants(FUNCTION)


def look_across_tenants(function: str) -> None:
    """As in 0001; of the policies that a single role needs only that on usage_months is not there yet."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSE
                EXECUTE format(
                    'CREATE POLICY lookup ON usage_months FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DROP FUNCTION {FUNCTION}")
    op.execute("DROP POLICY IF EXISTS lookup ON usage_months")
