-- Owned by app_owner.
CREATE OR REPLACE FUNCTION public.enqueue_job(queue text, task text, graded integer, job_lock text, job_args jsonb, run_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[
        ROW(queue, task, graded, NULL, job_lock, job_args, run_at)::procrastinate_job_to_defer_v1]);
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END $function$;
