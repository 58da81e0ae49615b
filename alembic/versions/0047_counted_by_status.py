"""How many of a status there are is counted in its index: it knows what is archived and what is not kept.

PostgreSQL opened each row to see that. It uses an index alone only where that has all that an expression is
made of, too. Built beside the reading and writing, each from anew if a run before this one was cut off.
"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

EVERYBODY = "'00000000-0000-0000-0000-000000000000'::uuid"
READER = f"(CASE WHEN visibility = 'organization' THEN {EVERYBODY} ELSE user_id END)"
COLUMNS = f"summaries (organization_id, {READER}, status, created_at, id)"
COVERING = f"{COLUMNS} INCLUDE (visibility, user_id, archived_at, ephemeral)"
NEXT = "ix_summaries_status_next"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rebuild(COVERING)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rebuild(COLUMNS)


def _rebuild(columns: str) -> None:
    with op.get_context().autocommit_block():
        # It waits for whoever writes, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NEXT}")
        op.execute(f"CREATE INDEX CONCURRENTLY {NEXT} ON {columns} WHERE deleted_at IS NULL")
        # This waits for whoever reads, too.
        op.execute("SET lock_timeout = '5s'")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_summaries_status")
        op.execute(f"ALTER INDEX {NEXT} RENAME TO ix_summaries_status")
