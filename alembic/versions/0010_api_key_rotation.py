"""API keys: what superseded one, which session made it, and the one default key."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("api_keys", sa.Column("superseded_by", sa.Uuid(), nullable=True))
    # No foreign key: dead sessions are deleted, and a key still says which one made it.
    op.add_column("api_keys", sa.Column("created_by_session", sa.Uuid(), nullable=True))
    op.add_column(
        "api_keys", sa.Column("is_default", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_foreign_key(
        "fk_api_keys_organization_id_superseded_by",
        "api_keys",
        "api_keys",
        ["organization_id", "superseded_by"],
        ["organization_id", "id"],
    )
    # "The one default key" is PostgreSQL's promise: of two made at once, one is refused.
    op.create_index(
        "uq_api_keys_default",
        "api_keys",
        ["organization_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("uq_api_keys_default", "api_keys")
    op.drop_constraint("fk_api_keys_organization_id_superseded_by", "api_keys")
    for column in ("is_default", "created_by_session", "superseded_by"):
        op.drop_column("api_keys", column)
