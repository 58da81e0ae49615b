"""A job's steps are a statement each: what counts is the round trips."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# With the caller's rights, row-level security included. None where there is nothing to do.
TAKE_UP = """
CREATE FUNCTION take_up_summary(tenant uuid, wanted uuid)
RETURNS SETOF summaries
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', '', true);
    RETURN QUERY
    UPDATE summaries s
    SET attempt = s.attempt + 1,
        status = CASE WHEN s.pending->>'kind' = 'regenerate' THEN 'summarising'
            WHEN s.source = 'url' THEN 'fetching' ELSE 'extracting' END,
        stages = jsonb_build_object('queued', (extract(epoch FROM now() - s.updated_at) * 1000)::integer),
        version = s.version + 1, updated_at = now()
    WHERE s.organization_id = tenant AND s.id = wanted
        AND s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL
    RETURNING s.*;
END $$
"""

# As above; no row where another attempt than `held` has it by now, or none has.
ADVANCE = """
CREATE FUNCTION advance_summary(tenant uuid, wanted uuid, held integer, stage text, so_far jsonb)
RETURNS TABLE (
    organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer,
    version integer, stages jsonb, failure_reason text, deleted_at timestamptz)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', '', true);
    RETURN QUERY
    UPDATE summaries s
    SET status = stage, stages = so_far, version = s.version + 1, updated_at = now()
    WHERE s.organization_id = tenant AND s.id = wanted AND s.attempt = held
        AND s.status NOT IN ('ready', 'failed')
    RETURNING s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version,
        s.stages, s.failure_reason, s.deleted_at;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TAKE_UP)
    op.execute(ADVANCE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION advance_summary(uuid, uuid, integer, text, jsonb)")
    op.execute("DROP FUNCTION take_up_summary(uuid, uuid)")
