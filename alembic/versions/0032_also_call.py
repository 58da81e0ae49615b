"""Whom else a summary calls when it is done: those who were given it while it was being made."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A constant default is noted once and writes no row; former code leaves it to that.
    column = sa.Column("also_call", sa.ARRAY(sa.Text()), server_default="{}", nullable=False)
    op.add_column("summaries", column)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("summaries", "also_call")
