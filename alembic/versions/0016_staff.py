"""Staff: counts kept by triggers, two looks across tenants, support access, who impersonates in a session."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What a row counts as; NULL: as nothing. `r` stands for the row.
STATES = {
    "users": "CASE WHEN r.username <> '[erased]' THEN"
    " r.role || '/' || CASE WHEN r.is_active THEN 'active' ELSE 'inactive' END END",
    "organizations": "r.plan || '/' || CASE WHEN r.erase_after IS NOT NULL THEN 'deleted'"
    " WHEN r.suspended_at IS NOT NULL THEN 'suspended' ELSE 'in_service' END",
    "summaries": "CASE WHEN r.deleted_at IS NULL THEN r.status ELSE 'trashed' END",
    "procrastinate_jobs": "CASE WHEN r.status IN ('todo', 'doing', 'failed') THEN r.status::text END",
}
# The columns on which that depends.
COLUMNS = {
    "users": ("role", "is_active"),
    "organizations": ("plan", "erase_after", "suspended_at"),
    "summaries": ("status", "deleted_at"),
    "procrastinate_jobs": ("status",),
}
TODAY = "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
# What besides is noted when a row changes: failures, by day, kind and reason. Who cancels has not failed.
FAILURES = {
    "summaries": """
        IF NEW.status = 'failed' AND OLD.status <> 'failed'
           AND NEW.failure_reason IS DISTINCT FROM 'cancelled' THEN
            INSERT INTO tally_moves VALUES
                ('failures', NULL, today || '/summary/' || coalesce(NEW.failure_reason, 'internal'), 1);
        END IF;""",
    "procrastinate_jobs": """
        IF NEW.status = 'failed' AND OLD.status <> 'failed' THEN
            INSERT INTO tally_moves VALUES ('failures', NULL, today || '/job/' || NEW.task_name, 1);
        END IF;""",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_tallies()
    for table in STATES:
        count(table)
    add_columns()
    create_indexes()
    op.execute(STAFF_ORGANIZATIONS)
    look_across_tenants("staff_organizations(text, text, boolean, uuid, integer)", "organizations")
    op.execute(PLATFORM_AUDIT_ENTRIES)
    look_across_tenants(
        "platform_audit_entries"
        "(text, uuid, uuid, timestamp with time zone, timestamp with time zone, uuid, boolean, integer)",
        "audit_entries",
    )


def create_tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "state", name="pk_tallies"),
    )
    # No key: it is written by every change that counts, and only ever read as a whole.
    op.create_table(
        "tally_moves",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("many", sa.BigInteger(), nullable=False),
    )
    # Filled and emptied all day: its dead rows are what reading it would have to step over.
    op.execute(
        "ALTER TABLE tally_moves SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )


def count(table: str) -> None:
    """From here on by triggers; what is there already is counted while nobody writes."""
    subject, state = table.removeprefix("procrastinate_"), STATES[table]
    before, after = state.replace("r.", "OLD."), state.replace("r.", "NEW.")
    for name, rows, order in (("added", "NULL, {0}", "INSERT"), ("removed", "{0}, NULL", "DELETE")):
        which = "NEW" if order == "INSERT" else "OLD"
        states = rows.format(state)
        op.execute(
            f"CREATE FUNCTION tally_{subject}_{name}() RETURNS trigger LANGUAGE plpgsql"  # noqa: S608  # our own words
            " SET search_path = public, pg_temp AS $$ BEGIN"
            f" INSERT INTO tally_moves SELECT '{subject}', {states}, count(*) FROM changed r"
            f" WHERE {state} IS NOT NULL GROUP BY {state}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER tally_{name} AFTER {order} ON {table} REFERENCING {which} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION tally_{subject}_{name}()"
        )
    op.execute(
        f"CREATE FUNCTION tally_{subject}_moved() RETURNS trigger LANGUAGE plpgsql"  # noqa: S608  # as above
        " SET search_path = public, pg_temp AS $$ DECLARE"
        f" was text := {before}; becomes text := {after}; today text := {TODAY};"
        " BEGIN IF was IS DISTINCT FROM becomes THEN"
        f" INSERT INTO tally_moves VALUES ('{subject}', was, becomes, 1); END IF;"
        f" {FAILURES.get(table, '')} RETURN NULL; END $$"
    )
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in COLUMNS[table])
    op.execute(
        f"CREATE TRIGGER tally_moved AFTER UPDATE OF {', '.join(COLUMNS[table])} ON {table}"
        f" FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION tally_{subject}_moved()"
    )
    count_present(table, subject=subject)


def count_present(table: str, *, subject: str) -> None:
    """The triggers' lock keeps writers out until the migration commits: none is missed or counted twice."""
    state = STATES[table]
    # Under FORCE the owner sees no row.
    protected = table in {"organizations", "summaries"}
    if protected:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"INSERT INTO tallies SELECT '{subject}', {state}, count(*) FROM {table} r"  # noqa: S608  # our own words
        f" WHERE {state} IS NOT NULL GROUP BY {state}"
    )
    if protected:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def add_columns() -> None:
    op.add_column(
        "organizations",
        sa.Column("support_access", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column("auth_sessions", sa.Column("impersonator_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_auth_sessions_impersonator_id",
        "auth_sessions",
        "users",
        ["impersonator_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "ix_auth_sessions_impersonator_id",
        "auth_sessions",
        ["impersonator_id"],
        postgresql_where=sa.text("impersonator_id IS NOT NULL"),
    )


def create_indexes() -> None:
    """A prefix is an index range whatever the database's collation; of jobs, those that staff look for."""
    for column in ("username", "email"):
        op.create_index(
            f"ix_users_{column}_prefix", "users", [column], postgresql_ops={column: "text_pattern_ops"}
        )
    op.execute("CREATE INDEX ix_organizations_name_prefix ON organizations (lower(name) text_pattern_ops)")
    op.execute(
        "CREATE INDEX ix_procrastinate_jobs_waiting ON procrastinate_jobs (scheduled_at, id)"
        " WHERE status = 'todo'"
    )
    op.execute("CREATE INDEX ix_procrastinate_jobs_failed ON procrastinate_jobs (id) WHERE status = 'failed'")


def look_across_tenants(function: str, table: str) -> None:
    """As in 0011, which is frozen: one narrow function reads a table across tenants."""
    policy = f"lookup_{function.partition('(')[0]}"
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSE
                EXECUTE format(
                    'CREATE POLICY {policy} ON {table} FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


# Both plan anew with each call's values (EXECUTE), or a filter left out would cost the others their index.
# A page at most, newest first; who they are is public within the platform, what they hold is not shown.
STAFF_ORGANIZATIONS = """
CREATE FUNCTION staff_organizations(
    pattern text, of_plan text, is_suspended boolean, before_id uuid, at_most integer
) RETURNS SETOF organizations
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY EXECUTE 'SELECT * FROM organizations o WHERE ($1 IS NULL OR lower(o.name) LIKE $1)'
        ' AND ($2 IS NULL OR o.plan = $2) AND ($3 IS NULL OR (o.suspended_at IS NOT NULL) = $3)'
        ' AND ($4 IS NULL OR o.id < $4) ORDER BY o.id DESC LIMIT least($5, 101)'
    USING pattern, of_plan, is_suspended, before_id, at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""

# The platform's own chain alone: an organisation's log is read as that organisation.
PLATFORM_AUDIT_ENTRIES = """
CREATE FUNCTION platform_audit_entries(
    of_action text, of_actor uuid, of_subject uuid, since timestamptz, until timestamptz,
    behind uuid, oldest_first boolean, at_most integer
) RETURNS SETOF audit_entries
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY EXECUTE 'SELECT * FROM audit_entries e WHERE e.organization_id IS NULL'
        ' AND ($1 IS NULL OR e.action = $1) AND ($2 IS NULL OR e.actor_id = $2)'
        ' AND ($3 IS NULL OR e.subject_id = $3) AND ($4 IS NULL OR e.created_at >= $4)'
        ' AND ($5 IS NULL OR e.created_at < $5) AND ($6 IS NULL OR e.id '
        || CASE WHEN oldest_first THEN '> $6) ORDER BY e.id' ELSE '< $6) ORDER BY e.id DESC' END
        || ' LIMIT least($7, 500)'
    USING of_action, of_actor, of_subject, since, until, behind, at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function, arguments, table in (
        ("staff_organizations", "text, text, boolean, uuid, integer", "organizations"),
        (
            "platform_audit_entries",
            "text, uuid, uuid, timestamptz, timestamptz, uuid, boolean, integer",
            "audit_entries",
        ),
    ):
        op.execute(f"DROP FUNCTION {function}({arguments})")
        op.execute(f"DROP POLICY IF EXISTS lookup_{function} ON {table}")
    for table in STATES:
        for name in ("added", "removed", "moved"):
            op.execute(f"DROP TRIGGER tally_{name} ON {table}")
            op.execute(f"DROP FUNCTION tally_{table.removeprefix('procrastinate_')}_{name}()")
    op.drop_table("tally_moves")
    op.drop_table("tallies")
    op.execute("DROP INDEX ix_procrastinate_jobs_failed, ix_procrastinate_jobs_waiting")
    op.execute("DROP INDEX ix_organizations_name_prefix, ix_users_username_prefix, ix_users_email_prefix")
    op.drop_column("auth_sessions", "impersonator_id")
    op.drop_column("organizations", "support_access")
