"""How many summaries a shelf has is kept, so that counting a million reads some rows.

A shelf is what everybody of an organisation may read, or its author alone, archived or not. Each change of it
is a row of its own, in the transaction of what changed: nobody waits for a counter that somebody holds. The
worker adds them up, and counts once what was there before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
# As in 0021; `r` stands for the row.
READER = (
    "(CASE WHEN r.visibility = 'organization' THEN '00000000-0000-0000-0000-000000000000'::uuid"
    " ELSE r.user_id END)"
)
SHOWN = "r.deleted_at IS NULL AND NOT r.ephemeral"
SHELF = f"r.organization_id, {READER}, r.archived_at IS NOT NULL"
# Where the organisation itself goes, its tallies go with it.
TALLY = f"""
CREATE FUNCTION tally_shelf() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {SHOWN.replace("r.", "OLD.")} THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, many)
        SELECT {SHELF.replace("r.", "OLD.")}, -1 FROM organizations o WHERE o.id = OLD.organization_id;
    END IF;
    IF TG_OP <> 'DELETE' AND {SHOWN.replace("r.", "NEW.")} THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, many)
        VALUES ({SHELF.replace("r.", "NEW.")}, 1);
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608  # our own words
WHERE_IT_STANDS = f"({SHOWN}, {SHELF})"
MOVED = f"{WHERE_IT_STANDS.replace('r.', 'OLD.')} IS DISTINCT FROM {WHERE_IT_STANDS.replace('r.', 'NEW.')}"
WRITTEN = "organization_id, user_id, visibility, archived_at, deleted_at, ephemeral"

# Those with the most changes first.
UNFOLDED = """
CREATE FUNCTION unfolded_shelves(at_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT t.organization_id FROM shelf_tallies t WHERE NOT t.folded
        GROUP BY t.organization_id ORDER BY count(*) DESC LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""
UNTALLIED = """
CREATE FUNCTION untallied_shelves(at_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY SELECT o.id FROM organizations o WHERE NOT o.shelf_tallied ORDER BY o.id LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""
FUNCTIONS = {"unfolded_shelves(integer)": UNFOLDED, "untallied_shelves(integer)": UNTALLIED}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_table()
    op.execute(TALLY)
    op.execute(
        "CREATE TRIGGER tally_shelf AFTER INSERT OR DELETE ON summaries"
        " FOR EACH ROW EXECUTE FUNCTION tally_shelf()"
    )
    op.execute(
        f"CREATE TRIGGER tally_shelf_moved AFTER UPDATE OF {WRITTEN} ON summaries"
        f" FOR EACH ROW WHEN ({MOVED}) EXECUTE FUNCTION tally_shelf()"
    )
    # False for all that are there, without writing their rows; true for those to come.
    op.add_column(
        "organizations",
        sa.Column("shelf_tallied", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.alter_column("organizations", "shelf_tallied", server_default=sa.text("true"))
    op.create_index(
        "ix_organizations_untallied", "organizations", ["id"], postgresql_where=sa.text("NOT shelf_tallied")
    )
    for function, body in FUNCTIONS.items():
        op.execute(body)
        look_across_tenants(function)


def create_table() -> None:
    op.create_table(
        "shelf_tallies",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.Uuid(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_shelf_tallies_organization_id",
            ondelete="CASCADE",
        ),
    )
    # With what is added up, so that a count opens no row.
    op.create_index(
        "ix_shelf_tallies_organization_id_reader",
        "shelf_tallies",
        ["organization_id", "reader"],
        postgresql_include=["archived", "many"],
    )
    op.create_index(
        "ix_shelf_tallies_unfolded",
        "shelf_tallies",
        ["organization_id"],
        postgresql_where=sa.text("NOT folded"),
    )
    op.execute(
        "ALTER TABLE shelf_tallies"
        " SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000)"
    )
    op.execute("ALTER TABLE shelf_tallies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE shelf_tallies FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON shelf_tallies USING (organization_id = {TENANT})"
        f" WITH CHECK (organization_id = {TENANT})"
    )


def look_across_tenants(function: str) -> None:
    """As in 0001; of the policies that a single role needs only that on shelf_tallies is not there yet."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSIF NOT EXISTS (SELECT FROM pg_policies
                              WHERE tablename = 'shelf_tallies' AND policyname = 'lookup') THEN
                EXECUTE format(
                    'CREATE POLICY lookup ON shelf_tallies FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """  # noqa: S608  # our own names
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for trigger in ("tally_shelf", "tally_shelf_moved"):
        op.execute(f"DROP TRIGGER {trigger} ON summaries")
    for function in (*FUNCTIONS, "tally_shelf()"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("ix_organizations_untallied", "organizations")
    op.drop_column("organizations", "shelf_tallied")
    op.drop_table("shelf_tallies")
