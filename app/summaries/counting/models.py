"""How many summaries there are on each shelf: what everybody may read, or one alone; archived or not.

By what became of them, and favourites by themselves.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, Uuid, false, text

from app.core.db import Base

OUTCOME = "CASE WHEN status IN ('ready', 'failed') THEN status ELSE 'none' END"
# The triggers of migrations 0039 and 0051 only ever insert, as in `app.admin.models.TALLY_MOVES`: the count
# is the sum. `reader` is `READER` of `app.summaries.search.models`, `outcome` is OUTCOME; `folded`: added up
# by the worker. One from before 0051 has neither `outcome` nor `favourite`.
SHELF_TALLIES = Table(
    "shelf_tallies",
    Base.metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("reader", Uuid, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("outcome", Text),
    Column("favourite", Boolean),
    Column("many", BigInteger, nullable=False),
    Column("folded", Boolean, server_default=false(), nullable=False),
    Index(
        "ix_shelf_tallies_organization_id_reader",
        "organization_id",
        "reader",
        postgresql_include=("archived", "outcome", "favourite", "many"),
    ),
    Index("ix_shelf_tallies_unfolded", "organization_id", postgresql_where=text("NOT folded")),
    Index("ix_shelf_tallies_untallied", "organization_id", postgresql_where=text("outcome IS NULL")),
)
