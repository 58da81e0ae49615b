"""Accounts at login providers, and the attempts to log in by one that are over."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "oauth_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_oauth_accounts_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_accounts"),
        sa.UniqueConstraint(
            "provider", "issuer", "subject", name="uq_oauth_accounts_provider_issuer_subject"
        ),
        sa.UniqueConstraint("user_id", "provider", name="uq_oauth_accounts_user_id_provider"),
    )
    op.create_table(
        "spent_oauth_states",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spent_oauth_states"),
    )
    op.create_index("ix_spent_oauth_states_expires_at", "spent_oauth_states", ["expires_at"])


def downgrade() -> None:
    op.drop_table("spent_oauth_states")
    op.drop_table("oauth_accounts")
