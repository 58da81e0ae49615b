-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.accept_summaries(told_tenants text[], told_persons text[], entries jsonb, inputs text[], documents bytea[], answers bytea[], queue text, task text, backlog_counted integer, backlog_per_step integer, patience integer)
 RETURNS TABLE(place integer, began timestamp with time zone, is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamp with time zone, ahead integer)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
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
    jobs procrastinate_job_to_defer_v1[] := '{}';
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
            INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call)
            SELECT id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call FROM jsonb_to_record(given.summary) AS new_summary (id uuid, organization_id uuid, user_id uuid, status text, attempt integer, version integer, visibility text, source text, url text, canonical_url text, title text, language text, key_points text[], keywords text[], sentences jsonb, low_content boolean, engine text, options jsonb, tags text[], notes text, favourite boolean, stages jsonb, ephemeral boolean, submitted_key bytea, own_title boolean, also_call text[]);
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
            
    INSERT INTO usage_months AS m (organization_id, month, summaries)
    VALUES (tenant, date_trunc('month', today)::date, 1)
    ON CONFLICT (organization_id, month) DO UPDATE SET summaries = m.summaries + 1 WHERE m.summaries < quota
    RETURNING m.summaries INTO number;
            IF number IS NULL OR number = ANY (given.noticed) OR stored_bytes >= given.storage THEN
                RAISE SQLSTATE 'PR001';
            END IF;
            
    INSERT INTO usage_days AS d (organization_id, day, user_id, api_key_id, summaries)
    VALUES (tenant, today, person, api_key, 1)
    ON CONFLICT (organization_id, day, user_id, api_key_id) DO UPDATE SET summaries = d.summaries + 1;
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
END $function$;
