"""The worker's side of the tallies: adding up what changed, counting what was there before them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.summaries.counting.models import OUTCOME
from app.summaries.search.models import READER

TO_FOLD = text("SELECT shelves_to_fold(:at_most)")
UNTALLIED = text("SELECT untallied_shelves(:at_most)")
# One statement, and so one snapshot: nobody finds a change both by itself and in the sum, or in neither. Of
# what is added up already, only the sums that change are written anew; and all from before 0051, as some take
# each other back.
FOLD = text("""
WITH moved AS (
    DELETE FROM shelf_tallies WHERE organization_id = :organization_id AND ctid = ANY(ARRAY(
        SELECT ctid FROM shelf_tallies
        WHERE organization_id = :organization_id AND (NOT folded OR outcome IS NULL) LIMIT :at_most))
    RETURNING reader, archived, outcome, favourite, many
), sums AS (
    DELETE FROM shelf_tallies s USING (SELECT DISTINCT reader, archived, outcome, favourite FROM moved) m
    WHERE s.organization_id = :organization_id AND s.folded
    AND (s.reader, s.archived, s.outcome, s.favourite) = (m.reader, m.archived, m.outcome, m.favourite)
    RETURNING s.reader, s.archived, s.outcome, s.favourite, s.many
)
INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many, folded)
SELECT :organization_id, reader, archived, outcome, favourite, sum(many), true
FROM (SELECT * FROM moved UNION ALL SELECT * FROM sums) AS gone
GROUP BY reader, archived, outcome, favourite HAVING sum(many) <> 0
""")
# Of one organisation in one statement: a tenth of what a statement has time for.
MOVES_A_STEP = 50_000
# Two workers at once may both find it so: the second one finds that nothing is missing.
HOLD = text("""
SELECT NOT o.shelf_tallied OR EXISTS (
    SELECT FROM shelf_tallies t WHERE t.organization_id = o.id AND t.outcome IS NULL)
FROM organizations o WHERE o.id = :organization_id FOR NO KEY UPDATE OF o
""")
ON_A_SHELF = f"""
SELECT {READER} AS reader, archived_at IS NOT NULL AS archived, {OUTCOME} AS outcome, count(*) AS many
FROM summaries WHERE organization_id = :organization_id AND deleted_at IS NULL AND NOT ephemeral
"""  # noqa: S608  # our own words
# All from an index that knows no favourites, and those from theirs: a million rows need not be opened.
SHELVES = f"""
SELECT reader, archived, outcome, false AS favourite, many FROM ({ON_A_SHELF} GROUP BY 1, 2, 3) AS shelf
UNION ALL
SELECT reader, archived, outcome, counted.*
FROM ({ON_A_SHELF} AND favourite GROUP BY 1, 2, 3) AS favourites,
    LATERAL (VALUES (true, many), (false, -many)) AS counted
"""  # noqa: S608  # as above
# What came or went since there are tallies stands in them already. One snapshot again. What is from before
# 0051 is taken back by rows that are then added up with it.
COUNT = text(f"""
INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many, folded)
SELECT :organization_id, reader, archived, outcome, favourite, sum(many), true FROM (
    {SHELVES}
    UNION ALL
    SELECT reader, archived, outcome, favourite, -many FROM shelf_tallies
    WHERE organization_id = :organization_id
) AS missing GROUP BY reader, archived, outcome, favourite HAVING sum(many) <> 0
""")  # noqa: S608  # as above
KEPT = text("UPDATE organizations SET shelf_tallied = true WHERE id = :organization_id")


async def shelves_to_fold(session: AsyncSession, *, at_most: int) -> Sequence[UUID]:
    """Organisations, those with the most changes first."""
    return (await session.scalars(TO_FOLD, {"at_most": at_most})).all()


async def untallied_shelves(session: AsyncSession, *, at_most: int) -> Sequence[UUID]:
    """Organisations from before there were tallies, or tallies by outcome."""
    return (await session.scalars(UNTALLIED, {"at_most": at_most})).all()


async def fold_shelves(session: AsyncSession, organization_id: UUID) -> None:
    """The session is bound to the organisation. What is more than a step is the next round's."""
    await session.execute(FOLD, {"organization_id": organization_id, "at_most": MOVES_A_STEP})


async def count_shelves(session: AsyncSession, organization_id: UUID) -> None:
    """Once, whoever else tries. The session is bound to the organisation."""
    its = {"organization_id": organization_id}
    if await session.scalar(HOLD, its):
        await session.execute(COUNT, its)
        await session.execute(KEPT, its)
        await fold_shelves(session, organization_id)
