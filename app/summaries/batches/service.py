"""Several submissions in one request, each in a short transaction of its own: none loses what others made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import (
    FieldFault,
    InternalError,
    ProblemError,
    RateLimitedError,
    UnavailableError,
    ValidationFailedError,
)
from app.core.idempotency import Once, ReplayError
from app.core.idempotency_seal import Answer
from app.organizations.usage.errors import QuotaExceededError
from app.summaries.duplicates import Submission
from app.summaries.intake import Intake
from app.summaries.schemas import SummaryDraft

# What ends one of them, ends all that come after.
ENDING = (QuotaExceededError, RateLimitedError, UnavailableError)
LONGEST_WAIT_SECONDS = 20
# An Answer is that of the same item in an earlier try of this request.
Taken = Submission | Answer | ProblemError


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """`admit` counts one more submission, and raises RateLimitedError; `explain` makes a failure a problem.

    `place`: one of few for requests of this kind; with a key each holds a second connection while it runs.
    """

    place: Callable[[], AbstractAsyncContextManager[None]]
    admit: Callable[[], Awaitable[None]]
    explain: Callable[[Exception], ProblemError]
    is_draining: Callable[[], bool]
    wait_seconds: float = LONGEST_WAIT_SECONDS


class BatchIntake:
    def __init__(self, intake: Intake, once: Once, *, session: AsyncSession, terms: BatchTerms) -> None:
        self._intake = intake
        self._once = once
        self._session = session
        self._terms = terms
        self._ended: ProblemError | None = None
        self._is_incomplete = False
        # The route's own limit has counted the request, and so its first submission.
        self._is_first = True

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Self]:
        """`session` stays claimed until the request ends. Raises ReplayError, and what `Once.claim` does."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._terms.wait_seconds):
                    await stack.enter_async_context(self._terms.place())
            except TimeoutError as error:
                raise UnavailableError("Too many long requests are being worked on") from error
            await self._once.claim(self._session)
            yield self
            if self._is_incomplete:
                # A retry finds what was made, part by part, and tries the rest.
                self._once.keep_nothing()

    async def take(self, part: str, make_draft: Callable[[], Awaitable[SummaryDraft]]) -> Taken:
        """`part` names the submission within the request: a retry with the same key finds what it made."""
        if self._ended is not None:
            return self._ended
        try:
            return await self._take(part, make_draft)
        except ReplayError as replay:
            return replay.answer
        except ProblemError as problem:
            return self._refused(problem)
        except Exception as error:  # noqa: BLE001  # explained, reported and answered: the others were made
            return self._refused(self._terms.explain(error))

    def _refused(self, problem: ProblemError) -> ProblemError:
        if isinstance(problem, ENDING):
            self._ended = problem
        self._is_incomplete |= isinstance(problem, ENDING) or problem.status >= InternalError.status
        return problem

    async def _take(self, part: str, make_draft: Callable[[], Awaitable[SummaryDraft]]) -> Submission:
        if self._terms.is_draining():
            raise UnavailableError("The service is being restarted")
        draft = await make_draft()
        if not draft.store:
            # Its answer would have to be waited for, and nothing is kept of it.
            fault = FieldFault(
                "/store", "store_one_by_one", "store=false can only be asked for one at a time"
            )
            raise ValidationFailedError(faults=[fault])
        return await self._intake.part(part).take(draft, admit=self._admit)

    async def _admit(self) -> None:
        if not self._is_first:
            await self._terms.admit()
        self._is_first = False
