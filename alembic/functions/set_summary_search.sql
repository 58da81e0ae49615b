-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.set_summary_search()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET client_min_messages TO 'warning'
AS $function$
    DECLARE
        words regconfig := ('pg_catalog.' || search_configuration(NEW.language))::regconfig;
        host text := nullif(lower(left(split_part(split_part(split_part(split_part(NEW.canonical_url, '/', 3), '?', 1), '#', 1), ':', 1), 253)), '');
        reader text := NEW.organization_id
            || CASE NEW.visibility WHEN 'private' THEN ':' || NEW.user_id ELSE '' END;
    BEGIN
        NEW.search := setweight(to_tsvector(words, searchable(left(coalesce(NEW.title, ''), 1000))), 'A')
            || setweight(to_tsvector(words, searchable(left(
                concat_ws(E'\n', NEW.summary, array_to_string(NEW.tags, ', ')), 40000))), 'B')
            || setweight(to_tsvector(words, searchable(left(coalesce(NEW.notes, ''), 10000))), 'C')
            || setweight(to_tsvector(words, searchable(left(concat_ws(E'\n', left(NEW.site_name, 300),
                left(NEW.author, 300), host,
                array_to_string(NEW.keywords, ', '), array_to_string(NEW.key_points, E'\n')), 20000))), 'D')
            || array_to_tsvector(search_labels(reader, NEW.language, NEW.tags, host));
        RETURN NEW;
    END $function$;
