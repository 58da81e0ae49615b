"""Taking a summary in: committed first, then, where the client prefers, waited for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Tenant
from app.core.http import MAX_WAIT_SECONDS
from app.core.idempotency import Once
from app.core.idempotency_seal import Answer
from app.core.idempotency_store import Keeping
from app.core.principal import Principal
from app.summaries.duplicates import Outcome, Submission
from app.summaries.errors import SummaryNotFoundError
from app.summaries.models import Summary
from app.summaries.progress.hub import ProgressHub
from app.summaries.redo import RedoKind
from app.summaries.rendering import dated_when_kept
from app.summaries.schemas import SummaryDraft
from app.summaries.service import SummaryService, Surroundings
from app.summaries.taking.service import IntakeDesk, PlainIntake
from app.summaries.vocabulary import FINAL
from app.summaries.waiting import wait_until


class Intake:
    """Opens its own short transactions: a request that waits must not hold a connection meanwhile."""

    def __init__(
        self,
        desk: IntakeDesk,
        principal: Principal,
        *,
        surroundings: Surroundings,
        hub: ProgressHub,
        is_draining: Callable[[], bool],
        once: Once,
        receipt: Callable[[Submission], Answer],
    ) -> None:
        self._desk = desk
        self._principal = principal
        self._surroundings = surroundings
        self._hub = hub
        self._is_draining = is_draining
        self._once = once
        self._receipt = receipt
        self._plain = PlainIntake(
            desk, principal, once, receipt, surroundings.allow_hosts, surroundings.announcer
        )

    async def submit(self, draft: SummaryDraft, *, wait_seconds: int) -> Submission:
        """The summary as it stands when it is finished or the wait is over."""
        return await self.finished(await self.take(draft), wait_seconds=wait_seconds)

    async def take(
        self, draft: SummaryDraft, *, admit: Callable[[], Awaitable[None]] | None = None
    ) -> Submission:
        """Committed, not waited for: a file need not be held in memory any longer.

        `admit` counts it, and may refuse; what is only repeated is not counted again.
        """
        taken = await self._plain.take(draft) if admit is None else None
        return taken.submission if taken else await self._take(draft, admit)

    async def _take(self, draft: SummaryDraft, admit: Callable[[], Awaitable[None]] | None) -> Submission:
        async with self._opened() as session:
            await self._once.claim(session)
            if admit is not None:
                await admit()
            submission = await self._service(session).submit(draft, keep=self._sealed)
            if submission.outcome is Outcome.CREATED:
                self._once.kept_at(submission.summary.created_at)
            else:
                await self._once.keep(session, self._receipt(submission))
        return submission

    def _sealed(self, submission: Submission) -> Keeping | None:
        """Kept as it stands now: whoever retries meanwhile, or after we died waiting, finds it."""
        if submission.summary.ephemeral:
            self._once.keep_nothing()
        if not self._once.keeps:
            return None
        return self._once.sealed(dated_when_kept(self._receipt(submission)))

    async def finished(self, submission: Submission, *, wait_seconds: int) -> Submission:
        """What is not kept is always waited for."""
        longest = MAX_WAIT_SECONDS if submission.summary.ephemeral else 0
        return replace(submission, summary=await self._finished(submission.summary, wait_seconds or longest))

    def part(self, name: str) -> "Intake":
        """For one of several submissions of a request: see `Once.part`."""
        return Intake(
            self._desk,
            self._principal,
            surroundings=self._surroundings,
            hub=self._hub,
            is_draining=self._is_draining,
            once=self._once.part(name),
            receipt=self._receipt,
        )

    async def redo(
        self,
        summary_id: UUID,
        kind: RedoKind,
        *,
        choices: Mapping[str, Any],  # Any: JSON
        if_match: str | None,
        wait_seconds: int,
    ) -> Summary:
        def begin(service: SummaryService) -> Awaitable[Summary]:
            return service.redo(summary_id, kind, choices=choices, if_match=if_match)

        return await self._begun_again(begin, wait_seconds)

    async def retry(self, summary_id: UUID, *, wait_seconds: int) -> Summary:
        return await self._begun_again(lambda service: service.retry(summary_id), wait_seconds)

    async def _begun_again(
        self, begin: Callable[[SummaryService], Awaitable[Summary]], wait_seconds: int
    ) -> Summary:
        async with self._opened() as session:
            await self._once.claim(session)
            summary = await begin(self._service(session))
            await self._once.keep(session, self._receipt(Submission(summary, Outcome.REFRESHED)))
        return await self._finished(summary, wait_seconds)

    async def _finished(self, summary: Summary, wait_seconds: int) -> Summary:
        latest = summary

        async def is_done() -> bool:
            nonlocal latest
            try:
                async with self._transaction() as service:
                    latest = await service.get(summary.id)
                    await service.hand_over(latest)
            except SummaryNotFoundError:
                # Deleted meanwhile. What was asked for was begun, and its answer says as much.
                return True
            return latest.status in FINAL

        if latest.status not in FINAL and wait_seconds and not self._is_draining():
            async with self._hub.watching(self._principal, [summary.id]) as watch:
                # It may have been finished before we listened.
                if not await is_done():
                    await wait_until(
                        is_done, seconds=wait_seconds, is_draining=self._is_draining, sleep=watch.until_final
                    )
        return latest

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[SummaryService]:
        async with self._opened() as session:
            yield self._service(session)

    def _opened(self) -> AbstractAsyncContextManager[AsyncSession]:
        tenant = Tenant(self._principal.organization_id, self._principal.user_id)
        return self._desk.database.transaction(tenant)

    def _service(self, session: AsyncSession) -> SummaryService:
        return SummaryService(session, self._principal, self._surroundings)
