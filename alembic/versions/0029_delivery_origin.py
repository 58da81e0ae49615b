"""Of which request a delivery is part: its log lines and the calls themselves name it, at every try.

Former code leaves both empty, and its deliveries belong to no request.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

COLUMNS = ("request_id", "traceparent")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in COLUMNS:
        op.add_column("webhook_deliveries", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in COLUMNS:
        op.drop_column("webhook_deliveries", name)
