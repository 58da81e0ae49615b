-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.narrowed_summaries(query tsquery, wanted jsonb, tenant uuid, viewer uuid, sorted text, after_time timestamp with time zone, after_id uuid, at_most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE ROWS 20
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    wider jsonb := wanted || '{"without": [], "without_labels": []}';
    candidates tsquery := search_query(wider, tenant, viewer);
    candidate record;
    portion integer := 2 * at_most;
    seen integer := 0;
    found integer := 0;
    many integer;
BEGIN
    WHILE seen < 1000 LOOP
        portion := least(portion, 1000 - seen);
        many := 0;
        FOR candidate IN
            SELECT l AS id, (SELECT s.search @@ query FROM summaries s WHERE s.id = l) AS matches
            FROM looked_up_summaries(
                candidates, wider, tenant, viewer, sorted, after_time, after_id, portion) l
        LOOP
            many := many + 1;
            after_id := candidate.id;
            IF candidate.matches THEN
                found := found + 1;
                RETURN NEXT candidate.id;
                IF found = at_most THEN
                    RETURN;
                END IF;
            END IF;
        END LOOP;
        IF many < portion THEN
            RETURN;
        END IF;
        after_time := (SELECT s.created_at FROM summaries s WHERE s.id = after_id);
        seen := seen + portion;
        portion := 8 * portion;
    END LOOP;
    RETURN QUERY SELECT l FROM looked_up_summaries(
        query, wanted, tenant, viewer, sorted, after_time, after_id, at_most - found) l;
END $function$;
