-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.search_passage(content text, lexemes text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
    lowered text;
    start integer;
    piece text := left(content, 1500);
BEGIN
    IF octet_length(content) > 1500 THEN
        lowered := ' ' || lower(left(content, 10000));
        SELECT min(coalesce(nullif(strpos(lowered, ' ' || stem), 0), nullif(strpos(lowered, stem), 0))) - 100
            INTO start FROM (SELECT left(lexeme, 20) AS stem FROM unnest(lexemes[1:10]) lexeme) stems;
        IF start > 1 THEN
            piece := regexp_replace(substr(content, start, 1500), '^\S{0,40}\s+', '');
        END IF;
    END IF;
    RETURN left(piece, 1500 * char_length(piece) / greatest(octet_length(piece), 1500));
END $function$;
