"""What open streams look up, of all tenants at once: how far summaries are, and which credentials live."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COLUMNS = (
    "s.organization_id, s.id, s.user_id, s.visibility, s.status, s.attempt, s.version, s.stages,"
    " s.failure_reason, s.deleted_at"
)
ROWS = (
    "TABLE (organization_id uuid, id uuid, user_id uuid, visibility text, status text, attempt integer,"
    " version integer, stages jsonb, failure_reason text, deleted_at timestamptz)"
)
DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"

# Whoever asks must know both ids: one alone finds nothing.
PROGRESS_OF = f"""
CREATE FUNCTION progress_of(organizations uuid[], summaries_of uuid[])
RETURNS {ROWS} {DEFINER}
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT {COLUMNS} FROM unnest(organizations, summaries_of) AS wanted(organization, summary)
        JOIN summaries s ON s.organization_id = wanted.organization AND s.id = wanted.summary;
    PERFORM set_config('app.lookup', '', true);
END $$
"""  # noqa: S608  # our own text

CHANGED_SUMMARIES = f"""
CREATE FUNCTION changed_summaries(organizations uuid[], since timestamptz, how_many integer)
RETURNS {ROWS} {DEFINER}
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT found.* FROM unnest(organizations) AS wanted(organization)
        CROSS JOIN LATERAL (
            SELECT {COLUMNS} FROM summaries s
            WHERE s.organization_id = wanted.organization AND s.updated_at >= since
            ORDER BY s.updated_at DESC LIMIT how_many
        ) AS found;
    PERFORM set_config('app.lookup', '', true);
END $$
"""  # noqa: S608  # our own text

# A stream may go on: the same as a request of this credential would be let in by now.
LIVING_CREDENTIALS = f"""
CREATE FUNCTION living_credentials(credentials uuid[])
RETURNS TABLE (credential_id uuid) {DEFINER}
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY
        SELECT a.id FROM auth_sessions a
            JOIN memberships m ON m.organization_id = a.organization_id AND m.user_id = a.user_id
            JOIN organizations o ON o.id = a.organization_id
            JOIN users u ON u.id = a.user_id
            WHERE a.id = ANY(credentials) AND a.revoked_at IS NULL AND a.absolute_expires_at > now()
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
END $$
"""  # noqa: S608  # as above
FUNCTIONS = {
    "progress_of(uuid[], uuid[])": PROGRESS_OF,
    "changed_summaries(uuid[], timestamptz, integer)": CHANGED_SUMMARIES,
    "living_credentials(uuid[])": LIVING_CREDENTIALS,
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_summaries_organization_id_updated_at", "summaries", ["organization_id", "updated_at"])
    for name, definition in FUNCTIONS.items():
        op.execute(definition)
        look_across_tenants(name)


def look_across_tenants(function: str) -> None:
    """As in 0001; of the policies that a single role needs only that on memberships is not there yet."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSIF NOT EXISTS (SELECT FROM pg_policies
                              WHERE tablename = 'memberships' AND policyname = 'lookup') THEN
                EXECUTE format(
                    'CREATE POLICY lookup ON memberships FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """  # noqa: S608  # our own names
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    op.execute("DROP POLICY IF EXISTS lookup ON memberships")
    op.drop_index("ix_summaries_organization_id_updated_at", "summaries")
