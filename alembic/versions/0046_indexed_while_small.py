"""A submission looks its key up by the index, however few keys there were when its plan was made.

A connection keeps a function's plans. Made while a page held all kept keys, the one that looks for a key
reads the table through, and goes on doing so while it grows, until it is next analyzed: 13,000 rows for each
submission after ten thousand of them, and three times PostgreSQL's work.
"""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER FUNCTION accept_summary SET enable_seqscan = off")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER FUNCTION accept_summary RESET enable_seqscan")
