"""Usage against the plan: by month, by day and person and key, and storage kept by a trigger."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TABLES = ("usage_months", "usage_days", "usage_storage")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create("usage_months", [sa.Column("month", sa.Date(), nullable=False)], ["month"], sa.Integer())
    create(
        "usage_days",
        [
            sa.Column("day", sa.Date(), nullable=False),
            sa.Column("user_id", sa.Uuid(), nullable=False),
            sa.Column("api_key_id", sa.Uuid(), nullable=False),
        ],
        ["day", "user_id", "api_key_id"],
        sa.Integer(),
    )
    create("usage_storage", [], [], sa.BigInteger(), counted="text_bytes")
    op.execute(COUNT_STORAGE)
    op.execute(
        "CREATE TRIGGER count_storage AFTER INSERT OR UPDATE OF input, text OR DELETE ON summary_contents"
        " FOR EACH ROW EXECUTE FUNCTION count_storage()"
    )


def create(  # one shape three times
    table: str,
    columns: list[sa.Column[object]],
    key: list[str],
    kind: sa.types.TypeEngine[int],
    *,
    counted: str = "summaries",
) -> None:
    op.create_table(
        table,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column(counted, kind, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=f"fk_{table}_organization_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", *key, name=f"pk_{table}"),
    )
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} USING (organization_id = {TENANT})"
        f" WITH CHECK (organization_id = {TENANT})"
    )


# Deleting never makes a row: the organisation itself may be on its way out.
COUNT_STORAGE = """
CREATE FUNCTION count_storage() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    before bigint := 0;
    after bigint := 0;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := coalesce(octet_length(OLD.input), 0) + coalesce(octet_length(OLD.text), 0);
    END IF;
    IF TG_OP = 'DELETE' THEN
        UPDATE usage_storage SET text_bytes = text_bytes - before WHERE organization_id = OLD.organization_id;
        RETURN OLD;
    END IF;
    after := coalesce(octet_length(NEW.input), 0) + coalesce(octet_length(NEW.text), 0);
    IF after <> before THEN
        INSERT INTO usage_storage VALUES (NEW.organization_id, after - before)
        ON CONFLICT (organization_id) DO UPDATE SET text_bytes = usage_storage.text_bytes + after - before;
    END IF;
    RETURN NEW;
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER count_storage ON summary_contents")
    op.execute("DROP FUNCTION count_storage()")
    for table in reversed(TABLES):
        op.drop_table(table)
