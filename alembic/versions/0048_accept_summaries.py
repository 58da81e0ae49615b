"""What is submitted in one moment is taken in by one statement: its transaction, commit and wait are shared.

The function of 0043 stays for processes of the former release; a later migration drops it.
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

# What a new summary may be given, as in 0043.
NAMES = (
    "id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title,"
    " language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite,"
    " stages, ephemeral, submitted_key, own_title, also_call"
)
TYPED = (
    "id uuid, organization_id uuid, user_id uuid, status text, attempt integer, version integer,"
    " visibility text, source text, url text, canonical_url text, title text, language text,"
    " key_points text[], keywords text[], sentences jsonb, low_content boolean, engine text, options jsonb,"
    " tags text[], notes text, favourite boolean, stages jsonb, ephemeral boolean, submitted_key bytea,"
    " own_title boolean, also_call text[]"
)
COUNT_DAY = """
    INSERT INTO usage_days AS d (organization_id, day, user_id, api_key_id, summaries)
    VALUES (tenant, today, person, api_key, 1)
    ON CONFLICT (organization_id, day, user_id, api_key_id) DO UPDATE SET summaries = d.summaries + 1;"""
COUNT_MONTH = """
    INSERT INTO usage_months AS m (organization_id, month, summaries)
    VALUES (tenant, date_trunc('month', today)::date, 1)
    ON CONFLICT (organization_id, month) DO UPDATE SET summaries = m.summaries + 1 WHERE m.summaries < quota
    RETURNING m.summaries INTO number;"""
# Each as accept_summary of 0043 took in one, for tenants that may all be different: each is named before its
# own rows are touched, and undone by itself where there is more to it: then it has no row in the answer. In
# one order everywhere, by tenant, and of a tenant the month's row before its people's: nobody waits in a
# circle. `patience` is how long the whole may wait for somebody's lock, where there are others in it.
ACCEPT = f"""
CREATE FUNCTION accept_summaries(
    told_tenants text[], told_persons text[], entries jsonb,
    inputs text[], documents bytea[], answers bytea[],
    queue text, task text, backlog_counted integer, backlog_per_step integer, patience text)
RETURNS TABLE (
    place integer, began timestamptz, is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamptz,
    ahead integer)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    given record;
    summary uuid;
    tenant uuid;
    person uuid;
    today date;
    api_key uuid;
    quota integer;
    stored_bytes bigint;
    number integer;
    last_tenant uuid;
    last_ahead integer;
    jobs procrastinate_job_to_defer_v1[] := '{{}}';
BEGIN
    PERFORM set_config('app.wakes', 'later', true);
    IF patience IS NOT NULL THEN
        PERFORM set_config('lock_timeout', patience, true);
    END IF;
    FOR given IN
        SELECT e.* FROM jsonb_to_recordset(entries) AS e(
            place integer, summary jsonb, document_name text, document_type text, job_args text,
            ahead integer, today date, api_key uuid, quota integer, storage bigint, noticed integer[],
            principal uuid, path text, digest bytea, print bytea, lock bigint)
        ORDER BY e.summary ->> 'organization_id', e.place
    LOOP
        PERFORM set_config('app.organization_id', told_tenants[given.place], true),
            set_config('app.user_id', told_persons[given.place], true);
        place := given.place;
        summary := given.summary ->> 'id';
        tenant := given.summary ->> 'organization_id';
        person := given.summary ->> 'user_id';
        today := given.today;
        api_key := given.api_key;
        quota := given.quota;
        began := NULL;
        is_locked := true;
        fingerprint := NULL;
        answer := NULL;
        kept_at := NULL;
        ahead := given.ahead;
        IF tenant = last_tenant THEN
            ahead := greatest(ahead, last_ahead + 1);
        END IF;
        BEGIN
            IF answers[place] IS NOT NULL THEN
                is_locked := pg_try_advisory_xact_lock(given.lock);
                SELECT k.fingerprint, k.answer, k.created_at INTO fingerprint, answer, kept_at
                FROM idempotency_keys k
                WHERE k.organization_id = tenant AND k.principal_id = given.principal AND k.route = given.path
                  AND k.key_digest = given.digest AND k.created_at > now() - interval '24 hours';
                IF answer IS NOT NULL OR NOT is_locked THEN
                    RETURN NEXT;
                    CONTINUE;
                END IF;
            END IF;
            IF ahead IS NULL THEN
                SELECT count(*) INTO ahead FROM (
                    SELECT FROM summaries s WHERE s.organization_id = tenant
                    AND s.status NOT IN ('ready', 'failed') AND s.deleted_at IS NULL
                    LIMIT backlog_counted) AS unfinished;
            END IF;
            INSERT INTO summaries ({NAMES})
            SELECT {NAMES} FROM jsonb_to_record(given.summary) AS new_summary ({TYPED});
            IF inputs[place] IS NOT NULL OR documents[place] IS NOT NULL THEN
                INSERT INTO summary_contents
                    (summary_id, organization_id, input, document, document_name, document_type)
                VALUES (summary, tenant, inputs[place], documents[place], given.document_name,
                    given.document_type);
            END IF;
            IF answers[place] IS NOT NULL THEN
                INSERT INTO idempotency_keys AS k
                    (organization_id, principal_id, route, key_digest, user_id, fingerprint, answer)
                VALUES (tenant, given.principal, given.path, given.digest, person, given.print,
                    answers[place])
                ON CONFLICT (organization_id, principal_id, route, key_digest)
                DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer,
                    created_at = now();
            END IF;
            SELECT u.text_bytes INTO stored_bytes FROM usage_storage u WHERE u.organization_id = tenant;
            number := NULL;
            {COUNT_MONTH}
            IF number IS NULL OR number = ANY (given.noticed) OR stored_bytes >= given.storage THEN
                RAISE SQLSTATE 'PR001';
            END IF;
            {COUNT_DAY}
        EXCEPTION WHEN SQLSTATE 'PR001' THEN
            CONTINUE;
        END;
        jobs := jobs || ROW(
            queue, task, -((ahead + 1) / backlog_per_step), NULL, summary::text, given.job_args::jsonb, now()
        )::procrastinate_job_to_defer_v1;
        last_tenant := tenant;
        last_ahead := ahead;
        began := now();
        RETURN NEXT;
    END LOOP;
    IF cardinality(jobs) > 0 THEN
        PERFORM procrastinate_defer_jobs_v1(jobs);
    END IF;
END $$
"""  # noqa: S608  # our own names


def submit(first: str, then: str) -> str:
    """That of 0035, with its two counts in this order."""
    return f"""
CREATE OR REPLACE FUNCTION submit_summary(
    told_tenant text, told_person text, new_summary jsonb, new_input text, new_document bytea, new_name text,
    new_type text, queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer,
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
    PERFORM set_config('app.organization_id', told_tenant, true),
        set_config('app.user_id', told_person, true);
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
    {first}
    {then}
    began := now();
    RETURN NEXT;
END $$
"""  # noqa: S608  # our own names


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(submit(COUNT_MONTH, COUNT_DAY))
    op.execute(ACCEPT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION accept_summaries(text[], text[], jsonb, text[], bytea[], bytea[], text, text,"
        " integer, integer, text)"
    )
    op.execute(submit(COUNT_DAY, COUNT_MONTH))
