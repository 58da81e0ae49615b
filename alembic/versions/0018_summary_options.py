"""What a summary was asked for and made by, how it is organised, and whole documents as sources."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in new_columns():
        op.add_column("summaries", column)
    for column in new_content_columns():
        op.add_column("summary_contents", column)
    allow_sources("url", "text", "html", "file")
    op.create_index(
        "ix_summaries_organization_id_canonical_url",
        "summaries",
        ["organization_id", "canonical_url"],
        postgresql_where=sa.text("canonical_url IS NOT NULL"),
    )
    op.create_index(
        "ix_summaries_organization_id_fingerprint",
        "summaries",
        ["organization_id", "fingerprint"],
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.create_index(
        "ix_summaries_ephemeral", "summaries", ["created_at"], postgresql_where=sa.text("ephemeral")
    )


def new_columns() -> tuple[sa.Column[Any], ...]:  # Any: of several types
    """With a constant default PostgreSQL adds a column without touching the rows."""
    return (
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("usage", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fallback_reason", sa.Text(), nullable=True),
        sa.Column("favourite", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("ephemeral", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("http_etag", sa.Text(), nullable=True),
        sa.Column("http_last_modified", sa.Text(), nullable=True),
    )


def new_content_columns() -> tuple[sa.Column[Any], ...]:  # Any: as above
    return (
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("document_name", sa.Text(), nullable=True),
        sa.Column("document_type", sa.Text(), nullable=True),
    )


def allow_sources(*sources: str) -> None:
    """The name has the convention's prefix twice, as 0003 made it.

    NOT VALID: the rows that are there obey the old rule, and checking them would hold the lock.
    """
    names = ", ".join(f"'{source}'" for source in sources)
    op.execute("ALTER TABLE summaries DROP CONSTRAINT ck_summaries_ck_summaries_source")
    op.execute(
        "ALTER TABLE summaries ADD CONSTRAINT ck_summaries_ck_summaries_source"
        f" CHECK (source IN ({names})) NOT VALID"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("ephemeral", "organization_id_fingerprint", "organization_id_canonical_url"):
        op.drop_index(f"ix_summaries_{name}", "summaries")
    # Forced policies hide every row from the owner, too.
    op.execute("ALTER TABLE summaries NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM summaries WHERE source = 'file'")
    op.execute("ALTER TABLE summaries FORCE ROW LEVEL SECURITY")
    allow_sources("url", "text", "html")
    for column in new_content_columns():
        op.drop_column("summary_contents", column.name)
    for column in new_columns():
        op.drop_column("summaries", column.name)
