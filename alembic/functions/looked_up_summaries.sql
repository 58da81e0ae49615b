-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.looked_up_summaries(query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamp with time zone, after_id uuid, at_most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE ROWS 20
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_sort TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET max_parallel_workers_per_gather TO '0'
AS $function$
DECLARE
    with_status text := wanted->>'status';
    with_visibility text := wanted->>'visibility';
    is_favourite boolean := (wanted->>'favourite')::boolean;
    is_archived boolean := (wanted->>'archived')::boolean;
    first_time timestamptz := (wanted->>'created_after')::timestamptz;
    end_time timestamptz := (wanted->>'created_before')::timestamptz;
    asked record := search_conditions(query, wanted, tenant, viewer);
    exactly tsquery := CASE WHEN NOT asked.exact THEN query END;
    missing integer := at_most;
    sought integer;
    many integer;
    looks integer;
    days integer;
    next_time timestamptz;
    of_span tsquery;
    first_day date;
    last_day date;
BEGIN
    -- One span after the other of so many days each; of 0 all that is left.
    FOREACH days IN ARRAY
        CASE WHEN row_security_active('summaries') THEN '{0}' ELSE '{1,32,0}'::integer[] END
    LOOP
        looks := CASE days WHEN 1 THEN 3 + at_most / 40 WHEN 32 THEN 24 ELSE 1 END;
        sought := missing;
        FOR look IN 1..looks LOOP
            IF sorted = 'created_at' THEN
                next_time := (
    SELECT s.created_at FROM summaries s
    WHERE s.organization_id = tenant AND (s.created_at, s.id) > (after_time, after_id)
    ORDER BY s.created_at ASC, s.id ASC LIMIT 1
);
            ELSE
                next_time := (
    SELECT s.created_at FROM summaries s
    WHERE s.organization_id = tenant AND (s.created_at, s.id) < (after_time, after_id)
    ORDER BY s.created_at DESC, s.id DESC LIMIT 1
);
            END IF;
            IF next_time IS NULL OR NOT (
    (first_time IS NULL OR next_time >= first_time) AND (end_time IS NULL OR next_time < end_time)
) THEN
                RETURN;
            END IF;
            IF days = 0 THEN
                of_span := asked.readable;
                first_day := '-infinity';
                last_day := 'infinity';
            ELSE
                first_day := search_day(next_time);
                of_span := search_query_of_span(asked.readable, tenant, viewer, first_day, days);
                first_day := first_day - (first_day - date '0001-01-01') % days;
                last_day := first_day + days - 1;
            END IF;
            IF sorted = 'created_at' THEN
                RETURN QUERY 
    SELECT s.id FROM summaries s
    WHERE search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ of_span
      AND search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ coalesce(asked.content, of_span) AND s.organization_id::text = tenant::text
      AND search_day(s.created_at) BETWEEN first_day AND last_day
      AND NOT (s.created_at, s.id) <= (after_time, after_id)
      AND 
    (s.visibility = 'organization' OR s.user_id = viewer) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND (with_status IS NULL OR s.status = with_status)
      AND (with_visibility IS NULL OR s.visibility = with_visibility)
      AND (is_favourite IS NULL OR s.favourite = is_favourite)
      AND (is_archived IS NULL OR (s.archived_at IS NOT NULL) = is_archived)
 AND 
    (first_time IS NULL OR s.created_at >= first_time) AND (end_time IS NULL OR s.created_at < end_time)

      AND (exactly IS NULL OR ts_match_vq(s.search, exactly))
    ORDER BY s.created_at ASC, s.id ASC LIMIT missing
;
            ELSE
                RETURN QUERY 
    SELECT s.id FROM summaries s
    WHERE search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ of_span
      AND search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ coalesce(asked.content, of_span) AND s.organization_id::text = tenant::text
      AND search_day(s.created_at) BETWEEN first_day AND last_day
      AND NOT (s.created_at, s.id) >= (after_time, after_id)
      AND 
    (s.visibility = 'organization' OR s.user_id = viewer) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND (with_status IS NULL OR s.status = with_status)
      AND (with_visibility IS NULL OR s.visibility = with_visibility)
      AND (is_favourite IS NULL OR s.favourite = is_favourite)
      AND (is_archived IS NULL OR (s.archived_at IS NOT NULL) = is_archived)
 AND 
    (first_time IS NULL OR s.created_at >= first_time) AND (end_time IS NULL OR s.created_at < end_time)

      AND (exactly IS NULL OR ts_match_vq(s.search, exactly))
    ORDER BY s.created_at DESC, s.id DESC LIMIT missing
;
            END IF;
            GET DIAGNOSTICS many = ROW_COUNT;
            missing := missing - many;
            IF missing = 0 THEN
                RETURN;
            END IF;
            EXIT WHEN days = 0;
            after_time := (CASE sorted WHEN 'created_at' THEN last_day + 1 ELSE first_day END)::timestamp
                AT TIME ZONE 'UTC';
            after_id := '00000000-0000-0000-0000-000000000000';
            -- The first may have begun just now, and what is rare comes by chance: two more are granted. At
            -- this rate the page would be further away than all looks.
            EXIT WHEN look > 1 AND (sought - missing + 2) * looks < sought * look;
        END LOOP;
    END LOOP;
END $function$;
