-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.take_in_summary(told_tenant text, told_person text, new_summary jsonb, new_input text, new_document bytea, new_name text, new_type text, queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer, today date, api_key uuid, quota integer, storage bigint, noticed integer[], principal uuid, path text, digest bytea, print bytea, sealed bytea, lock bigint)
 RETURNS TABLE(began timestamp with time zone, is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    taken record;
BEGIN
    is_locked := true;
    IF sealed IS NOT NULL THEN
        SELECT c.is_locked, c.fingerprint, c.answer, c.kept_at INTO is_locked, fingerprint, answer, kept_at
        FROM claim_key(told_tenant::uuid, told_person::uuid, principal, path, digest, lock) AS c;
        IF answer IS NOT NULL OR NOT is_locked THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    SELECT s.number, s.stored_bytes, s.began INTO taken FROM submit_summary(
        told_tenant, told_person, new_summary, new_input, new_document, new_name, new_type,
        queue, task, job_args, backlog_counted, backlog_per_step,
        today, api_key, quota, principal, path, digest, print, sealed) AS s;
    IF taken.number IS NULL OR taken.number = ANY (noticed) OR taken.stored_bytes >= storage THEN
        RAISE SQLSTATE 'PR001';
    END IF;
    began := taken.began;
    RETURN NEXT;
EXCEPTION WHEN SQLSTATE 'PR001' THEN
    RETURN;
END $function$;
