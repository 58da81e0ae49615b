-- Owned by app_search.
CREATE OR REPLACE FUNCTION public.living_credentials(credentials uuid[])
 RETURNS TABLE(credential_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY
        SELECT a.id FROM auth_sessions a
            JOIN memberships m ON m.organization_id = a.organization_id AND m.user_id = a.user_id
            JOIN organizations o ON o.id = a.organization_id
            JOIN users u ON u.id = a.user_id
            WHERE a.id = ANY(credentials) AND a.revoked_at IS NULL AND least(a.idle_expires_at, a.absolute_expires_at) > now()
                AND u.is_active AND o.suspended_at IS NULL AND o.erase_after IS NULL
                AND (a.impersonator_id IS NULL OR o.support_access AND u.role = 'user' AND EXISTS (
                    SELECT FROM users staff WHERE staff.id = a.impersonator_id AND staff.is_active
                        AND staff.role IN ('admin', 'super_admin')))
        UNION ALL
        SELECT k.id FROM api_keys k
            JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
            JOIN organizations o ON o.id = k.organization_id
            JOIN users u ON u.id = k.user_id
            WHERE k.id = ANY(credentials) AND k.revoked_at IS NULL AND k.expires_at > now()
                AND 'summaries:read' = ANY(k.scopes)
                AND u.is_active AND o.suspended_at IS NULL AND o.erase_after IS NULL;
    PERFORM set_config('app.lookup', '', true);
END $function$;
