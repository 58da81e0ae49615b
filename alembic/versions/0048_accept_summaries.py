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
# `lock_timeout` begins anew with each lock, and 0 would be for ever.
LEFT_OF_PATIENCE = """
CREATE FUNCTION left_of_patience(milliseconds integer) RETURNS text
LANGUAGE sql VOLATILE RETURN greatest(
    1, milliseconds - ceil(1000 * extract(epoch FROM clock_timestamp() - statement_timestamp())))::text
"""
# Each as accept_summary of 0043 took in one, for tenants that may all be different: each is named before its
# own rows are touched, and undone by itself where there is more to it: then it has no row in the answer.
# Nobody waits in a circle, for all lock in one order: by tenant, and of a tenant the row of its storage (a
# content is counted there, so what has one comes first), the month's, and its people's. `patience` is for how
# many milliseconds the whole may wait for others' locks, about, where there is more than one in it.
ACCEPT = f"""
CREATE FUNCTION accept_summaries(
    told_tenants text[], told_persons text[], entries jsonb,
    inputs text[], documents bytea[], answers bytea[],
    queue text, task text, backlog_counted integer, backlog_per_step integer, patience integer)
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
    FOR given IN
        SELECT e.* FROM jsonb_to_recordset(entries) AS e(
            place integer, summary jsonb, document_name text, document_type text, job_args text,
            ahead integer, today date, api_key uuid, quota integer, storage bigint, noticed integer[],
            principal uuid, path text, digest bytea, print bytea, lock bigint)
        ORDER BY e.summary ->> 'organization_id',
            inputs[e.place] IS NULL AND documents[e.place] IS NULL, e.place
    LOOP
        IF patience IS NOT NULL THEN
            PERFORM set_config('lock_timeout', left_of_patience(patience), true);
        END IF;
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


# The functions of 0035 and 0043, which others call, and processes of the former release.
SUBMIT_ONE = (
    "submit_summary(text, text, jsonb, text, bytea, text, text, text, text, jsonb, integer, integer,"
    " date, uuid, integer, uuid, text, bytea, bytea, bytea)"
)
ACCEPT_ONE = (
    "accept_summary(text, text, jsonb, text, bytea, text, text, text, text, jsonb,"
    " integer, integer, integer, date, uuid, integer, bigint, integer[],"
    " uuid, text, bytea, bytea, bytea, bigint)"
)
DAY_FIRST, MONTH_FIRST = COUNT_DAY + COUNT_MONTH, COUNT_MONTH + COUNT_DAY


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace(DAY_FIRST, MONTH_FIRST)
    op.execute(LEFT_OF_PATIENCE)
    op.execute(ACCEPT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION accept_summaries(text[], text[], jsonb, text[], bytea[], bytea[], text, text,"
        " integer, integer, integer)"
    )
    op.execute("DROP FUNCTION left_of_patience(integer)")
    _replace(MONTH_FIRST, DAY_FIRST)


def _replace(old: str, new: str) -> None:
    """In both, which are otherwise as they were."""
    for function in (SUBMIT_ONE, ACCEPT_ONE):
        source = f"pg_get_functiondef('{function}'::regprocedure)"
        op.execute(
            f"DO $do$ BEGIN"
            f" ASSERT position($old${old}$old$ IN {source}) > 0;"
            f" EXECUTE replace({source}, $old${old}$old$, $new${new}$new$);"
            f" END $do$"
        )
