-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.submit_summary(new_summary jsonb, new_input text, new_document bytea, new_name text, new_type text, queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer, today date, api_key uuid, quota integer, principal uuid, path text, digest bytea, print bytea, sealed bytea)
 RETURNS TABLE(number integer, stored_bytes bigint, began timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    summary constant uuid := new_summary ->> 'id';
    tenant constant uuid := new_summary ->> 'organization_id';
    person constant uuid := new_summary ->> 'user_id';
    waiting integer;
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', person::text, true);
    INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call) SELECT id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call FROM jsonb_to_record(new_summary) AS given (id uuid, organization_id uuid, user_id uuid, status text, attempt integer, version integer, visibility text, source text, url text, canonical_url text, title text, language text, key_points text[], keywords text[], sentences jsonb, low_content boolean, engine text, options jsonb, tags text[], notes text, favourite boolean, stages jsonb, ephemeral boolean, submitted_key bytea, own_title boolean, also_call text[]);
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
END $function$;

-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.submit_summary(told_tenant text, told_person text, new_summary jsonb, new_input text, new_document bytea, new_name text, new_type text, queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer, today date, api_key uuid, quota integer, principal uuid, path text, digest bytea, print bytea, sealed bytea)
 RETURNS TABLE(number integer, stored_bytes bigint, began timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    summary constant uuid := new_summary ->> 'id';
    tenant constant uuid := new_summary ->> 'organization_id';
    person constant uuid := new_summary ->> 'user_id';
    waiting integer;
BEGIN
    PERFORM set_config('app.organization_id', told_tenant, true), set_config('app.user_id', told_person, true);
    INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call) SELECT id, organization_id, user_id, status, attempt, version, visibility, source, url, canonical_url, title, language, key_points, keywords, sentences, low_content, engine, options, tags, notes, favourite, stages, ephemeral, submitted_key, own_title, also_call FROM jsonb_to_record(new_summary) AS given (id uuid, organization_id uuid, user_id uuid, status text, attempt integer, version integer, visibility text, source text, url text, canonical_url text, title text, language text, key_points text[], keywords text[], sentences jsonb, low_content boolean, engine text, options jsonb, tags text[], notes text, favourite boolean, stages jsonb, ephemeral boolean, submitted_key bytea, own_title boolean, also_call text[]);
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
    INSERT INTO usage_months AS m (organization_id, month, summaries)
    VALUES (tenant, date_trunc('month', today)::date, 1)
    ON CONFLICT (organization_id, month) DO UPDATE SET summaries = m.summaries + 1 WHERE m.summaries < quota
    RETURNING m.summaries INTO number;
    INSERT INTO usage_days AS d (organization_id, day, user_id, api_key_id, summaries)
    VALUES (tenant, today, person, api_key, 1)
    ON CONFLICT (organization_id, day, user_id, api_key_id) DO UPDATE SET summaries = d.summaries + 1;
    began := now();
    RETURN NEXT;
END $function$;
