-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.count_matching_summaries(query tsquery, wanted jsonb, tenant uuid, viewer uuid)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET work_mem TO '64MB'
AS $function$
DECLARE
    asked record := search_conditions(query, wanted, tenant, viewer);
    content tsquery;
    found bigint;
BEGIN
    IF query IS NOT NULL AND asked.exact THEN
        query := asked.readable;
        content := asked.content;
    END IF;
    EXECUTE $sql$ SELECT count(*) FROM summaries s WHERE search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ $3 AND ($5 IS NULL OR search_by_span(s.search, s.organization_id, s.user_id, s.visibility, s.created_at) @@ $5) AND s.organization_id::text = $1::text AND 
    (s.visibility = 'organization' OR s.user_id = $2) AND s.deleted_at IS NULL AND NOT s.ephemeral
      AND ($4->>'status' IS NULL OR s.status = $4->>'status')
      AND ($4->>'visibility' IS NULL OR s.visibility = $4->>'visibility')
      AND ($4->'favourite' IS NULL OR s.favourite = ($4->>'favourite')::boolean)
      AND ($4->'archived' IS NULL OR (s.archived_at IS NOT NULL) = ($4->>'archived')::boolean)
 AND 
    ($4->>'created_after' IS NULL OR s.created_at >= ($4->>'created_after')::timestamptz)
      AND ($4->>'created_before' IS NULL OR s.created_at < ($4->>'created_before')::timestamptz)
 $sql$ INTO found USING tenant, viewer, query, wanted, content;
    RETURN found;
END $function$;
