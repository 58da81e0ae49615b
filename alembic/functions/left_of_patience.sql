-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.left_of_patience(milliseconds integer)
 RETURNS text
 LANGUAGE sql
RETURN (GREATEST((1)::numeric, ((milliseconds)::numeric - ceil(((1000)::numeric * EXTRACT(epoch FROM (clock_timestamp() - statement_timestamp())))))))::text;
