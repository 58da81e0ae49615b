"""The queue: procrastinate's own schema (3.10), as its release ships it."""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # asyncpg refuses several commands in one prepared statement: straight to the driver.
    schema = files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(schema))


def downgrade() -> None:
    for kind, names in drop_order().items():
        for name in names:
            op.execute(f"DROP {kind} IF EXISTS {name} CASCADE")


def drop_order() -> dict[str, list[str]]:
    """Tables, then functions, then types: everything of the library's prefix, read from the catalogue."""
    connection = op.get_bind()
    queries = {
        "TABLE": "SELECT format('%I', relname) FROM pg_class"
        " WHERE relkind = 'r' AND relname LIKE 'procrastinate\\_%'",
        "FUNCTION": "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'procrastinate\\_%'",
        "TYPE": "SELECT format('%I', t.typname) FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid"
        " WHERE t.typname LIKE 'procrastinate\\_%' AND (t.typtype = 'e' OR c.relkind = 'c')",
    }
    return {kind: list(connection.exec_driver_sql(query).scalars()) for kind, query in queries.items()}
