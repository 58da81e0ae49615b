"""Since when somebody has waited for a summary: the start of how fresh it was when it was finished.

Former code leaves it to the default, and so as it was where it makes a summary anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The default is the same for every row that is there: PostgreSQL notes it once and writes no row.
    column = sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True)
    op.add_column("summaries", column)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("summaries", "asked_at")
