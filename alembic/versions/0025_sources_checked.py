"""Checks the rows of before 0018 against its rule: apart, for this lock lets reads and writes through."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE summaries VALIDATE CONSTRAINT ck_summaries_ck_summaries_source")


def downgrade() -> None:
    """A rule that was found to hold goes on holding."""
