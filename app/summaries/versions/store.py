"""The worker's side: what a summary says is put aside before it says something else."""

from uuid import UUID

from sqlalchemy import ColumnElement, Insert, case, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.summaries.models import Summary, SummaryContent
from app.summaries.versions.models import SummaryVersion

# Of one summary; the oldest goes first.
KEPT = 50
# Of the same names in both tables.
COPIED = (
    *("organization_id", "title", "author", "published_at", "language", "summary", "key_points", "sentences"),
    *("source_word_count", "summary_word_count", "low_content", "engine", "model", "fallback_reason"),
    *("options", "fingerprint"),
)


async def keep_version(session: AsyncSession, taken: Summary, *, fingerprint: bytes) -> None:
    """Nothing where the summary has never said anything, or another attempt holds it by now.

    `fingerprint` is of the text that comes: the former one is kept where it is another, as the sentences'
    offsets point into it.
    """
    number = await session.scalar(_copy(taken, fingerprint).returning(SummaryVersion.number))
    if number is not None and number > KEPT:
        await session.execute(
            delete(SummaryVersion).where(
                *_of(taken.organization_id, taken.id), SummaryVersion.number <= number - KEPT
            )
        )


def _copy(taken: Summary, fingerprint: bytes) -> Insert:
    last = select(func.max(SummaryVersion.number)).where(*_of(taken.organization_id, taken.id))
    number = func.coalesce(last.scalar_subquery(), 0) + 1
    is_other = Summary.fingerprint.is_distinct_from(fingerprint)
    text = case((is_other, SummaryContent.text))
    copied = [getattr(Summary, name) for name in COPIED]
    former = (
        select(Summary.id, number, text, *copied)
        .join(SummaryContent, SummaryContent.summary_id == Summary.id)
        .where(
            Summary.organization_id == taken.organization_id,
            Summary.id == taken.id,
            Summary.attempt == taken.attempt,
            Summary.summary.is_not(None),
        )
        # Whoever edits it meanwhile waits, so that nothing they write is lost between here and the new one.
        .with_for_update(of=Summary)
    )
    return insert(SummaryVersion).from_select(["summary_id", "number", "text", *COPIED], former)


def _of(organization_id: UUID, summary_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return SummaryVersion.organization_id == organization_id, SummaryVersion.summary_id == summary_id
