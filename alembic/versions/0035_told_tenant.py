"""A submission tells PostgreSQL the session's tenant, not the row's, and so is checked by its wall.

The function of 0033 stays for processes of the former release; a later migration drops it.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# What a new summary may be given; every other column has its default, or is NULL until the summary is made.
COLUMNS = {
    "id": "uuid",
    "organization_id": "uuid",
    "user_id": "uuid",
    "status": "text",
    "attempt": "integer",
    "version": "integer",
    "visibility": "text",
    "source": "text",
    "url": "text",
    "canonical_url": "text",
    "title": "text",
    "language": "text",
    "key_points": "text[]",
    "keywords": "text[]",
    "sentences": "jsonb",
    "low_content": "boolean",
    "engine": "text",
    "options": "jsonb",
    "tags": "text[]",
    "notes": "text",
    "favourite": "boolean",
    "stages": "jsonb",
    "ephemeral": "boolean",
    "submitted_key": "bytea",
    "own_title": "boolean",
    "also_call": "text[]",
}
NAMES = ", ".join(COLUMNS)
TYPED = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())

# With the caller's rights, row-level security included; it names the tenant, where it begins the transaction:
# the session's, which need not be that of the row, or nothing would check what the application thinks.
# What it runs is planned once a connection. The month's row is what a tenant's submissions wait for each
# other by, so it comes last, just before the commit. `number` is NULL, and nothing is counted, where the
# quota is spent: the caller then rolls back.
SUBMIT = f"""
CREATE FUNCTION submit_summary(
    told_tenant text, told_person text, new_summary jsonb, new_input text, new_document bytea, new_name text, new_type text,
    queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer,
    today date, api_key uuid, quota integer,
    principal uuid, path text, digest bytea, print bytea, sealed bytea)
RETURNS TABLE (number integer, stored_bytes bigint, began timestamptz)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
DECLARE
    summary constant uuid := new_summary ->> 'id';
    tenant constant uuid := new_summary ->> 'organization_id';
    person constant uuid := new_summary ->> 'user_id';
    waiting integer;
BEGIN
    PERFORM set_config('app.organization_id', told_tenant, true), set_config('app.user_id', told_person, true);
    INSERT INTO summaries ({NAMES}) SELECT {NAMES} FROM jsonb_to_record(new_summary) AS given ({TYPED});
    INSERT INTO summary_contents (summary_id, organization_id, input, document, document_name, document_type)
    VALUES (summary, tenant, new_input, new_document, new_name, new_type);
    SELECT count(*) INTO waiting FROM (
        SELECT FROM summaries s WHERE s.organization_id = tenant
        AND s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL LIMIT backlog_counted) AS unfinished;
    PERFORM procrastinate_defer_jobs_v1(ARRAY[
        ROW(queue, task, -(waiting / backlog_per_step), NULL, summary::text, job_args, NULL)
        ::procrastinate_job_to_defer_v1]);
    IF sealed IS NOT NULL THEN
        INSERT INTO idempotency_keys AS k
            (organization_id, principal_id, route, key_digest, user_id, fingerprint, answer)
        VALUES (tenant, principal, path, digest, person, print, sealed)
        ON CONFLICT (organization_id, principal_id, route, key_digest)
        DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = now();
    END IF;
    SELECT u.text_bytes INTO stored_bytes FROM usage_storage u WHERE u.organization_id = tenant;
    INSERT INTO usage_days AS d (organization_id, day, user_id, api_key_id, summaries)
    VALUES (tenant, today, person, api_key, 1)
    ON CONFLICT (organization_id, day, user_id, api_key_id) DO UPDATE SET summaries = d.summaries + 1;
    INSERT INTO usage_months AS m (organization_id, month, summaries)
    VALUES (tenant, date_trunc('month', today)::date, 1)
    ON CONFLICT (organization_id, month) DO UPDATE SET summaries = m.summaries + 1 WHERE m.summaries < quota
    RETURNING m.summaries INTO number;
    began := now();
    RETURN NEXT;
END $$
"""  # noqa: E501, S608  # SQL reads better unbroken; our own names


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(SUBMIT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION submit_summary(text, text, jsonb, text, bytea, text, text, text, text, jsonb,"
        " integer, integer, date, uuid, integer, uuid, text, bytea, bytea, bytea)"
    )
