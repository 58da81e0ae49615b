-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.matching_summaries(query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamp with time zone, after_id uuid, at_most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE ROWS 20
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_sort TO 'off'
AS $function$
DECLARE
    met record;
    seen integer := 0;
    found integer := 0;
BEGIN
    IF query IS NULL THEN
        RETURN;
    END IF;
    FOR met IN EXECUTE CASE sorted WHEN 'created_at' THEN $sql$ 
    SELECT s.id, s.created_at, 
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
 AND s.search @@ $3 AS matches
    FROM summaries s WHERE s.organization_id = $1 AND 
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
 AND ($5::timestamptz IS NULL OR (s.created_at, s.id) > ($5, $6))
    ORDER BY s.created_at ASC, s.id ASC LIMIT $7
 $sql$ ELSE $sql$ 
    SELECT s.id, s.created_at, 
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
 AND s.search @@ $3 AS matches
    FROM summaries s WHERE s.organization_id = $1 AND 
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
 AND ($5::timestamptz IS NULL OR (s.created_at, s.id) < ($5, $6))
    ORDER BY s.created_at DESC, s.id DESC LIMIT $7
 $sql$ END
        USING tenant, viewer, query, wanted, after_time, after_id, 2500 + 1
    LOOP
        seen := seen + 1;
        IF met.matches THEN
            found := found + 1;
            RETURN NEXT met.id;
            IF found = at_most THEN
                RETURN;
            END IF;
        END IF;
        -- At this rate the page would be further away than the walk may go.
        IF seen % 250 = 0 AND seen::bigint * at_most > 2500::bigint * found THEN
            IF jsonb_array_length(wanted->'without') + jsonb_array_length(wanted->'without_labels') > 0
               AND jsonb_array_length(wanted->'terms') + jsonb_array_length(wanted->'labels') > 0 THEN
                RETURN QUERY SELECT n FROM narrowed_summaries(
                    query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) n;
            ELSE
                RETURN QUERY SELECT l FROM looked_up_summaries(
                    query, wanted, tenant, viewer, sorted, met.created_at, met.id, at_most - found) l;
            END IF;
            RETURN;
        END IF;
    END LOOP;
END $function$;
