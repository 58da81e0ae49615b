"""What a shelf has is kept by outcome and by favourites, too: the ready ones of a million were counted.

A tally from before says neither. It counts in a whole shelf as ever; where a reader has one, the rest is
counted by rows until the worker has counted the organisation anew. A worker of the former release finds none
to add up: it would put together what outcomes keep apart, and beside a worker of this one forget some.
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

# As in 0039.
READER = (
    "(CASE WHEN r.visibility = 'organization' THEN '00000000-0000-0000-0000-000000000000'::uuid"
    " ELSE r.user_id END)"
)
SHOWN = "r.deleted_at IS NULL AND NOT r.ephemeral"
SHELF = f"r.organization_id, {READER}, r.archived_at IS NOT NULL"
# What is under way changes often and is never much: by which of its steps is counted by rows.
OUTCOME = "CASE WHEN r.status IN ('ready', 'failed') THEN r.status ELSE 'none' END"


def tally(*, columns: str, values: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION tally_shelf() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {SHOWN.replace("r.", "OLD.")} THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, {columns}many)
        SELECT {values.replace("r.", "OLD.")}, -1 FROM organizations o WHERE o.id = OLD.organization_id;
    END IF;
    IF TG_OP <> 'DELETE' AND {SHOWN.replace("r.", "NEW.")} THEN
        INSERT INTO shelf_tallies (organization_id, reader, archived, {columns}many)
        VALUES ({values.replace("r.", "NEW.")}, 1);
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608  # our own words


def moved(*, on: str, values: str) -> str:
    place = f"({SHOWN}, {values})"
    old, new = place.replace("r.", "OLD."), place.replace("r.", "NEW.")
    return (
        f"CREATE OR REPLACE TRIGGER tally_shelf_moved AFTER UPDATE OF {on} ON summaries"
        f" FOR EACH ROW WHEN ({old} IS DISTINCT FROM {new}) EXECUTE FUNCTION tally_shelf()"
    )


WRITTEN = "organization_id, user_id, visibility, archived_at, deleted_at, ephemeral"
TALLY = tally(columns="outcome, favourite, ", values=f"{SHELF}, {OUTCOME}, r.favourite")
MOVED = moved(on=f"{WRITTEN}, status, favourite", values=f"{SHELF}, {OUTCOME}, r.favourite")
FORMER_TALLY, FORMER_MOVED = tally(columns="", values=SHELF), moved(on=WRITTEN, values=SHELF)


def organizations_of(function: str, among: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION {function}(at_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    RETURN QUERY {among} LIMIT at_most;
    PERFORM set_config('app.lookup', '', true);
END $$
"""


CHANGED = """SELECT t.organization_id FROM shelf_tallies t WHERE NOT t.folded
        GROUP BY t.organization_id ORDER BY count(*) DESC"""
TO_FOLD = organizations_of("shelves_to_fold", CHANGED)
FORMER_UNFOLDED = organizations_of("unfolded_shelves", CHANGED)
NONE_UNFOLDED = """
CREATE OR REPLACE FUNCTION unfolded_shelves(at_most integer) RETURNS SETOF uuid
LANGUAGE sql SET search_path = public, pg_temp
AS $$ SELECT NULL::uuid WHERE false $$
"""
NOT_COUNTED = "SELECT o.id FROM organizations o WHERE NOT o.shelf_tallied"
FROM_BEFORE = "SELECT t.organization_id FROM shelf_tallies t WHERE t.outcome IS NULL"
UNTALLIED = organizations_of("untallied_shelves", f"{NOT_COUNTED} UNION {FROM_BEFORE} ORDER BY 1")
FORMER_UNTALLIED = organizations_of("untallied_shelves", f"{NOT_COUNTED} ORDER BY o.id")

NAME, BEING_BUILT = "ix_shelf_tallies_organization_id_reader", "ix_shelf_tallies_next"
OF_BEFORE = "ix_shelf_tallies_untallied"


def upgrade() -> None:
    # By themselves: who writes holds `summaries` and then waits for the tallies, and it must not be the other
    # way round here.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5s'")
        op.execute("ALTER TABLE shelf_tallies ADD COLUMN IF NOT EXISTS outcome text")
        op.execute("ALTER TABLE shelf_tallies ADD COLUMN IF NOT EXISTS favourite boolean")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(NONE_UNFOLDED)
    # The trigger waits for whoever writes, so that nobody goes on by the former one.
    op.execute(TALLY)
    op.execute(MOVED)
    _rebuild("archived, outcome, favourite, many")
    _build(OF_BEFORE, "(organization_id) WHERE outcome IS NULL")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(UNTALLIED)
    op.execute(TO_FOLD)
    look_across_tenants("shelves_to_fold(integer)")


def look_across_tenants(function: str) -> None:
    """As in 0039, whose policies a single role has already."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                ALTER FUNCTION {function} OWNER TO app_search;
            END IF;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rebuild("archived, many")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION shelves_to_fold(integer)")
    op.execute(FORMER_UNFOLDED)
    op.execute(FORMER_UNTALLIED)
    op.execute(FORMER_MOVED)
    op.execute(FORMER_TALLY)
    op.drop_index(OF_BEFORE, "shelf_tallies")
    op.drop_column("shelf_tallies", "favourite")
    op.drop_column("shelf_tallies", "outcome")


def _build(name: str, columns: str) -> None:
    """Beside the reading and writing, from anew if a run before this one was cut off."""
    with op.get_context().autocommit_block():
        # It waits for whoever writes, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON shelf_tallies {columns}")
        op.execute("SET lock_timeout = '5s'")


def _rebuild(included: str) -> None:
    """With what is added up, so that a count opens no row."""
    _build(BEING_BUILT, f"(organization_id, reader) INCLUDE ({included})")
    with op.get_context().autocommit_block():
        # This waits for whoever reads, too.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {BEING_BUILT} RENAME TO {NAME}")
