"""Taking a new summary in: where nothing speaks against it, by one statement that is its own transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self
from uuid import UUID

from app.core.db import Database
from app.core.errors import ProblemError
from app.core.group_commit import GroupCommit
from app.core.idempotency import Once
from app.core.idempotency_seal import Answer
from app.core.idempotency_store import Keeping
from app.core.ids import new_id
from app.core.job_waking import JobWaker
from app.core.jobs import job_arguments
from app.core.principal import Principal
from app.organizations.usage.figures import Due
from app.reading.article import RawDocument
from app.reading.urls import HostPort
from app.summaries.announcing import PromptAnnouncer, progress_of
from app.summaries.drafts import content_of, refuse_oversize, to_summary
from app.summaries.duplicates import Outcome, Submission
from app.summaries.measuring import submitted
from app.summaries.models import Summary, stamp
from app.summaries.rendering import NOT_YET, dated_when_kept
from app.summaries.schemas import SummaryDraft
from app.summaries.taking.backlogs import Backlogs
from app.summaries.taking.repository import Entry, TakenIn, Writing, write_group
from app.summaries.vocabulary import SUMMARISE, OnDuplicate


def job_of(organization_id: UUID, summary_id: UUID) -> dict[str, str | int]:
    return {"organization_id": str(organization_id), "summary_id": str(summary_id)}


def drafted(draft: SummaryDraft, principal: Principal, *, allow_hosts: frozenset[HostPort]) -> Summary:
    """Not written, at no time yet. Raises BodyTooLargeError, ValidationFailedError."""
    refuse_oversize(draft)
    summary = to_summary(draft, principal, summary_id=new_id(), allow_hosts=allow_hosts)
    stamp(summary, NOT_YET)
    return summary


def writing_of(
    summary: Summary, content: str | RawDocument | None, principal: Principal, keeping: Keeping | None
) -> Writing:
    arguments = job_arguments(job_of(principal.organization_id, summary.id))
    return Writing(summary, content, SUMMARISE, arguments, Due.of(principal), keeping)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`answer` is not dated yet."""

    submission: Submission
    answer: Answer
    writing: Writing


@dataclass(frozen=True, slots=True)
class PlainlyTaken:
    """`answer` is what its client is given who does not wait for more."""

    submission: Submission
    answer: Answer


@dataclass(frozen=True, slots=True)
class IntakeDesk:
    """What of the process new summaries are taken in with."""

    database: Database
    backlogs: Backlogs
    waker: JobWaker
    together: GroupCommit[Entry, TakenIn | None]

    @classmethod
    def open(cls, database: Database, waker: JobWaker) -> Self:
        together = GroupCommit(partial(write_group, database), name="SELECT accept_summaries")
        return cls(database, Backlogs(), waker, together)

    async def take_in(self, entry: Entry) -> TakenIn | None:
        """As `write_group`, beside whatever else is submitted now."""
        if entry.is_large:
            return (await write_group(self.database, [entry]))[0]
        return await self.together.write(entry)


@dataclass(frozen=True, slots=True)
class PlainIntake:
    """What a new summary is taken in with. `receipt` is what its client is answered with."""

    desk: IntakeDesk
    principal: Principal
    once: Once
    receipt: Callable[[Submission], Answer]
    allow_hosts: frozenset[HostPort]
    announcer: PromptAnnouncer | None

    async def take(self, draft: SummaryDraft) -> PlainlyTaken | None:
        """Committed; None, and nothing is done, where a transaction has to see to it, or to refuse it.

        Raises ReplayError, and what `Once.check` does.
        """
        prepared = self.prepare(draft)
        return await self.write(prepared) if prepared else None

    def prepare(self, draft: SummaryDraft) -> Prepared | None:
        """What needs no server; None as for `take`."""
        if draft.on_duplicate is not OnDuplicate.NEW or not draft.store:
            return None
        try:
            summary = drafted(draft, self.principal, allow_hosts=self.allow_hosts)
        except ProblemError:
            # Whoever sent the key before is told so first.
            return None
        submission = Submission(summary, Outcome.CREATED)
        answer = dated_when_kept(self.receipt(submission))
        writing = writing_of(summary, content_of(draft), self.principal, self.once.sealed(answer))
        return Prepared(submission, answer, writing)

    async def write(self, prepared: Prepared) -> PlainlyTaken | None:
        """As `take`."""
        desk, tenant = self.desk, self.principal.organization_id
        known = desk.backlogs.of(tenant)
        taken = await desk.take_in(Entry(self.principal, prepared.writing, known))
        if taken is None:
            return None
        self.once.check(taken.claim)
        if known is None:
            desk.backlogs.counted(tenant, taken.ahead)
        desk.backlogs.grown(tenant)
        submission = prepared.submission
        stamp(submission.summary, taken.began)
        self.once.kept_at(taken.began)
        self._tell(submission.summary)
        return PlainlyTaken(submission, prepared.answer.at(taken.began))

    def _tell(self, summary: Summary) -> None:
        """Once it is committed; its client need not wait until all have heard."""
        submitted(summary.source)
        self.desk.waker.wake()
        if self.announcer is not None:
            self.announcer.announce_soon(progress_of(summary))
