-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.finish_summary(tenant uuid, wanted uuid, held integer, event text, facts jsonb, read_url text, extracted text)
 RETURNS TABLE(is_long boolean, organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer, version integer, stages jsonb, failure_reason text, deleted_at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
DECLARE
    was summaries;
    becomes summaries;
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', '', true);
    SELECT s.* INTO was FROM summaries s
    WHERE s.organization_id = tenant AND s.id = wanted AND s.attempt = held
        AND s.status NOT IN ('ready', 'failed')
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    is_long := was.summary IS NOT NULL OR was.also_call <> '{}' OR was.options ? 'callback'
        OR (NOT was.ephemeral AND EXISTS (
            SELECT FROM webhooks w WHERE w.organization_id = tenant AND w.kind = 'endpoint'
                AND w.disabled_at IS NULL AND w.deleted_at IS NULL AND event = ANY (w.events)));
    IF is_long THEN
        RETURN NEXT;
        RETURN;
    END IF;
    becomes := jsonb_populate_record(was, facts);
    becomes.title := CASE WHEN was.own_title THEN was.title ELSE coalesce(becomes.title, was.title) END;
    IF facts ? 'submitted_key' AND was.url IS DISTINCT FROM read_url THEN
        becomes.canonical_url := was.canonical_url;
        becomes.submitted_key := NULL;
        becomes.http_etag := NULL;
        becomes.http_last_modified := NULL;
    END IF;
    RETURN QUERY
    UPDATE summaries s
    SET status = becomes.status, failure_reason = becomes.failure_reason,
        failure_retryable = becomes.failure_retryable, title = becomes.title, author = becomes.author,
        published_at = becomes.published_at, site_name = becomes.site_name, language = becomes.language,
        summary = becomes.summary, key_points = becomes.key_points, keywords = becomes.keywords,
        sentences = becomes.sentences, source_word_count = becomes.source_word_count,
        summary_word_count = becomes.summary_word_count, reading_minutes = becomes.reading_minutes,
        low_content = becomes.low_content, engine = becomes.engine, model = becomes.model,
        usage = becomes.usage, fallback_reason = becomes.fallback_reason, options = becomes.options,
        fingerprint = becomes.fingerprint, stages = becomes.stages, pending = becomes.pending,
        canonical_url = becomes.canonical_url, submitted_key = becomes.submitted_key,
        http_etag = becomes.http_etag, http_last_modified = becomes.http_last_modified,
        version = s.version + 1, updated_at = now()
    WHERE s.organization_id = tenant AND s.id = wanted
    RETURNING false, s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version,
        s.stages, s.failure_reason, s.deleted_at;
    UPDATE summary_contents c SET text = extracted, document = NULL
    WHERE c.organization_id = tenant AND c.summary_id = wanted;

    IF NOT FOUND AND extracted IS NOT NULL THEN
        INSERT INTO summary_contents (summary_id, organization_id, text) VALUES (wanted, tenant, extracted);
    END IF;
END $function$;
