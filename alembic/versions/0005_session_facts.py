"""What a session's login proved, and on which device; sessions and keys are visible to their own user."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT = "organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
OWN = "user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("auth_sessions", sa.Column("device_id", sa.Uuid(), nullable=True))
    op.add_column("auth_sessions", sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "auth_sessions",
        sa.Column("amr", postgresql.ARRAY(sa.Text()), server_default="{pwd}", nullable=False),
    )
    # A password change ends all sessions of a person, in whichever organisation each is.
    for table in ("auth_sessions", "api_keys"):
        op.execute(f"ALTER POLICY tenant ON {table} USING ({TENANT} OR {OWN}) WITH CHECK ({TENANT} OR {OWN})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("auth_sessions", "api_keys"):
        op.execute(f"ALTER POLICY tenant ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    for column in ("amr", "authenticated_at", "device_id"):
        op.drop_column("auth_sessions", column)
