-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.searchable(content text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN octet_length(content) = char_length(content)
        THEN translate(content, E'\x02\x03\x1f', '   ')
        ELSE regexp_replace(translate(content, E'\x02\x03\x1f', '   '),
            '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])', E'\x1f\\1\x1f', 'g') END
$function$;
