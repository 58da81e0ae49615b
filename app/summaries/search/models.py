"""What finding adds to the table of summaries: a column that a trigger keeps, and an index for each filter.

The column is none of `Summary`'s attributes: nothing loads it, writes it or exports it by accident.
"""

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from app.core.db import Base
from app.summaries.models import Summary

# Who may read a row, as one value, by which an index can begin: everybody, or its author alone. As these very
# words it stands in migration 0021, and PostgreSQL uses the index for nothing else. On several lines as
# PostgreSQL writes it: alembic compares it by its letters.
EVERYBODY = "00000000-0000-0000-0000-000000000000"
READER = f"""(
CASE
WHEN visibility = 'organization' THEN '{EVERYBODY}'::uuid
ELSE user_id
END)"""

SUMMARIES = Base.metadata.tables[Summary.__tablename__]
SUMMARIES.append_column(Column("search", TSVECTOR))


def _index(name: str, *columns: str, rows: str, include: tuple[str, ...] = ()) -> Index:
    parts = [text(column) if column == READER else SUMMARIES.c[column] for column in columns]
    return Index(
        f"ix_summaries_{name}",
        *parts,
        postgresql_where=text(rows),
        postgresql_include=include or None,
        _table=SUMMARIES,
    )


BY_TIME = ("organization_id", READER, "created_at", "id")
# With what READER is made of, as PostgreSQL otherwise opens each row to count it.
MADE_OF = ("visibility", "user_id")
_index(
    "shelf", *BY_TIME, rows="deleted_at IS NULL AND archived_at IS NULL AND NOT ephemeral", include=MADE_OF
)
_index(
    "archive",
    *BY_TIME,
    rows="deleted_at IS NULL AND archived_at IS NOT NULL AND NOT ephemeral",
    include=MADE_OF,
)
_index("favourites", "organization_id", READER, "created_at", "id", rows="deleted_at IS NULL AND favourite")
_index("status", "organization_id", READER, "status", "created_at", "id", rows="deleted_at IS NULL")
_index("trash", "organization_id", READER, "deleted_at", "id", rows="deleted_at IS NOT NULL")
_index("unsearchable", "id", rows="search IS NULL")
# Of what a row is found by: the column, and the spans of time that it is of (migration 0052). What was
# written last stands in a list that each look reads through: 4 MB, as it has by itself, take longest of all.
Index(
    "ix_summaries_search",
    text("search_by_span(search, organization_id, user_id, visibility, created_at)"),
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 256},
    postgresql_where=text("deleted_at IS NULL"),
    _table=SUMMARIES,
)
