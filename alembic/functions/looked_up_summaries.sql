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
    asked record := loose_search_query(query, wanted, tenant, viewer);
    exactly tsquery := CASE WHEN NOT asked.exact THEN query END;
    days integer := CASE WHEN row_security_active('summaries') THEN 0 ELSE 12 + at_most / 16 END;
    next_time timestamptz;
    day date;
    of_day tsquery;
    many integer;
    found integer := 0;
BEGIN
    FOR number IN 1..days LOOP
        IF sorted = 'created_at' THEN
            next_time := (
    SELECT s.created_at FROM summaries s WHERE s.organization_id = tenant AND (s.created_at, s.id) > (after_time, after_id)
    ORDER BY s.created_at ASC, s.id ASC LIMIT 1
);
        ELSE
            next_time := (
    SELECT s.created_at FROM summaries s WHERE s.organization_id = tenant AND (s.created_at, s.id) < (after_time, after_id)
    ORDER BY s.created_at DESC, s.id DESC LIMIT 1
);
        END IF;
        IF next_time IS NULL OR NOT (
    (wanted->>'created_after' IS NULL OR next_time >= (wanted->>'created_after')::timestamptz)
      AND (wanted->>'created_before' IS NULL OR next_time < (wanted->>'created_before')::timestamptz)
) THEN
            RETURN;
        END IF;
        day := search_day(next_time);
        of_day := search_query_of_day(asked.loose, tenant, viewer, day);
        IF sorted = 'created_at' THEN
            RETURN QUERY 
    SELECT s.id FROM summaries s WHERE search_by_day(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ of_day AND s.organization_id::text = tenant::text AND 
    (s.visibility = 'organization' OR s.user_id = viewer) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND (wanted->>'status' IS NULL OR s.status = wanted->>'status')
      AND (wanted->>'visibility' IS NULL OR s.visibility = wanted->>'visibility')
      AND (wanted->'favourite' IS NULL OR s.favourite = (wanted->>'favourite')::boolean)
      AND (wanted->'archived' IS NULL OR (s.archived_at IS NOT NULL) = (wanted->>'archived')::boolean)
 AND 
    (wanted->>'created_after' IS NULL OR s.created_at >= (wanted->>'created_after')::timestamptz)
      AND (wanted->>'created_before' IS NULL OR s.created_at < (wanted->>'created_before')::timestamptz)
 AND (after_time::timestamptz IS NULL OR (s.created_at, s.id) > (after_time, after_id))
      AND (exactly IS NULL OR ts_match_vq(s.search, exactly))
      AND search_day(s.created_at) = day
    ORDER BY s.created_at ASC, s.id ASC LIMIT at_most - found
;
        ELSE
            RETURN QUERY 
    SELECT s.id FROM summaries s WHERE search_by_day(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ of_day AND s.organization_id::text = tenant::text AND 
    (s.visibility = 'organization' OR s.user_id = viewer) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND (wanted->>'status' IS NULL OR s.status = wanted->>'status')
      AND (wanted->>'visibility' IS NULL OR s.visibility = wanted->>'visibility')
      AND (wanted->'favourite' IS NULL OR s.favourite = (wanted->>'favourite')::boolean)
      AND (wanted->'archived' IS NULL OR (s.archived_at IS NOT NULL) = (wanted->>'archived')::boolean)
 AND 
    (wanted->>'created_after' IS NULL OR s.created_at >= (wanted->>'created_after')::timestamptz)
      AND (wanted->>'created_before' IS NULL OR s.created_at < (wanted->>'created_before')::timestamptz)
 AND (after_time::timestamptz IS NULL OR (s.created_at, s.id) < (after_time, after_id))
      AND (exactly IS NULL OR ts_match_vq(s.search, exactly))
      AND search_day(s.created_at) = day
    ORDER BY s.created_at DESC, s.id DESC LIMIT at_most - found
;
        END IF;
        GET DIAGNOSTICS many = ROW_COUNT;
        found := found + many;
        IF found = at_most THEN
            RETURN;
        END IF;
        after_time := (day + CASE sorted WHEN 'created_at' THEN 1 ELSE 0 END)::timestamp AT TIME ZONE 'UTC';
        after_id := '00000000-0000-0000-0000-000000000000';
        -- The first day may have begun just now, and what is rare comes by chance: two more are granted.
        -- At this rate the page would be further away than all days.
        EXIT WHEN number > 1 AND (found + 2) * days < at_most * number;
    END LOOP;
    RETURN QUERY EXECUTE CASE sorted WHEN 'created_at' THEN $sql$ 
    SELECT s.id FROM summaries s WHERE search_by_day(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ $8 AND s.organization_id::text = $1::text AND 
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
 AND 
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
 AND ($5::timestamptz IS NULL OR (s.created_at, s.id) > ($5, $6))
      AND ($3 IS NULL OR ts_match_vq(s.search, $3))
    ORDER BY s.created_at ASC, s.id ASC LIMIT $7
 $sql$ ELSE $sql$ 
    SELECT s.id FROM summaries s WHERE search_by_day(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ $8 AND s.organization_id::text = $1::text AND 
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
 AND 
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
 AND ($5::timestamptz IS NULL OR (s.created_at, s.id) < ($5, $6))
      AND ($3 IS NULL OR ts_match_vq(s.search, $3))
    ORDER BY s.created_at DESC, s.id DESC LIMIT $7
 $sql$ END
        USING tenant, viewer, exactly, wanted, after_time, after_id, at_most - found, asked.loose;
END $function$;
